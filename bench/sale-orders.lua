-- People of a sale for wrk: each joins, asks where it stands, takes a token, buys, begins to pay, and looks at its
-- order. What the next request is follows from what the last ones were answered, whatever connection that was on.
local thread = 0
function setup(of) of:set("number", thread); thread = thread + 1 end

local people, next_up = 0, {}
local first, last = 1, 0
local json = { ["Content-Type"] = "application/json" }
local sale = "/v1/sales/drop"

local function later(request) last = last + 1; next_up[last] = request end
local function post(path, body) return wrk.format("POST", path, json, body) end
local function get(path) return wrk.format("GET", path) end
local function field(body, name) return body:match('"' .. name .. '":"([^"]*)"') end

local function join()
  people = people + 1
  return post(sale .. "/entries", string.format('{"buyer":"p-%d-%d"}', number, people))
end

function request()
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
    later(post(sale .. "/tokens", string.format('{"buyer":"%s","ticket":"%s","sku":"%s","quantity":1}',
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
