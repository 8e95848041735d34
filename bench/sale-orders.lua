-- People of a sale for wrk: each joins, asks where it stands, takes a token, buys, begins to pay, and looks at its
-- order. What the next request is follows from what the last ones were answered, whatever connection that was on.
local thread = 0
function setup(of) of:set("number", thread); thread = thread + 1 end

local people, asked, next_up, patient = 0, 0, {}, {}
local first, last, calm, queued = 1, 0, 1, 0
-- Who has just joined is admitted within some hundredths of a second: a token is asked for so many requests later.
local THINKS = 2000
local json = { ["Content-Type"] = "application/json" }
local sale = "/v1/sales/drop"

local function later(request) last = last + 1; next_up[last] = request end
local function in_a_while(request) queued = queued + 1; patient[queued] = { asked + THINKS, request } end
local function post(path, body) return wrk.format("POST", path, json, body) end
local function get(path) return wrk.format("GET", path) end
local function field(body, name) return body:match('"' .. name .. '":"([^"]*)"') end

local function join()
  people = people + 1
  return post(sale .. "/entries", string.format('{"buyer":"p-%d-%d"}', number, people))
end

function request()
  asked = asked + 1
  local waits = patient[calm]
  if waits and waits[1] <= asked then
    patient[calm] = nil
    calm = calm + 1
    return waits[2]
  end
  if first > last then return join() end
  local request = next_up[first]
  next_up[first] = nil
  first = first + 1
  return request
end

function response(status, _, body)
  if status >= 300 then return end
  local ticket, token, order = field(body, "ticket"), field(body, "token"), field(body, "order")
  if ticket then
    local sku = "thing-" .. people % 50
    later(get(sale .. "/position?ticket=" .. ticket))
    in_a_while(post(sale .. "/tokens", string.format('{"buyer":"%s","ticket":"%s","sku":"%s","quantity":1}',
      field(body, "buyer"), ticket, sku)))
  elseif token then
    later(post(sale .. "/buy/" .. field(body, "nonce"), string.format('{"sku":"%s","buyer":"%s","token":"%s"}',
      field(body, "sku"), field(body, "buyer"), token)))
  elseif order and field(body, "sku") then
    later(post("/v1/orders/" .. order .. "/payments", '{"payment":"p","provider":"bank"}'))
  elseif field(body, "payment") and not body:find('"lines"', 1, true) then
    later(get("/v1/orders/" .. field(body, "id")))
  end
end

function done(summary, latency)
  local micros = function(p) return latency:percentile(p) end
  io.write(string.format("SAW %d %d %d %d %d\n", summary.requests, summary.duration, micros(50), micros(99), micros(99.9)))
end
