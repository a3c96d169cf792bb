-- Validates any machine of any license of a range: wrk -s validate.lua URL -- FIRST COUNT MACHINES
-- The same bytes as those of Call.java and Licenses.java.

local head = "POST /validate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 58\r\n\r\n"
local letters = { ["0"] = "A", ["1"] = "B" }
-- Made before the run: making one takes as long as the server takes to answer it.
local requests = {}
local size = 50000

function init(arguments)
   local first, count, machines = tonumber(arguments[1]), tonumber(arguments[2]), tonumber(arguments[3])
   math.randomseed(os.time())
   for i = 1, size do
      local digits = string.format("%016d", first + math.random(count) - 1):gsub("[01]", letters)
      local key = digits:gsub("(....)(....)(....)(....)", "%1-%2-%3-%4")
      requests[i] = head .. string.format('{"key":"%s","machineId":"machine-%06d"}', key, math.random(machines))
   end
end

function request()
   return requests[math.random(size)]
end

function done(summary)
   local errors = summary.errors
   local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
   io.write(string.format("result: %d %d %d %d\n", summary.requests, failed, summary.bytes, summary.duration))
end
