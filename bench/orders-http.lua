-- Orders of three SKUs for wrk: each request another order, of a buyer who has some.
local thread = 0
function setup(of) of:set("number", thread); thread = thread + 1 end

local placed = 0
local headers = { ["Content-Type"] = "application/json" }
local line = '{"sku":"thing-%d","quantity":1,"unit_price":1999}'

function request()
  placed = placed + 1
  local lines = {}
  for at = 0, 2 do lines[at + 1] = string.format(line, (placed * 7 + at * 31) % 100) end
  local body = string.format('{"id":"order-%d-%d","buyer":"buyer-%d","currency":"EUR","lines":[%s]}',
    number, placed, placed % 100000, table.concat(lines, ","))
  return wrk.format("POST", "/v1/orders", headers, body)
end
