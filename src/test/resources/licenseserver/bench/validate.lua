-- Validates any machine of any license of a range: wrk -s validate.lua URL -- FIRST COUNT MACHINES
-- The same bytes as those of Call.java and Licenses.java.

local head = "POST /validate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 58\r\n\r\n"
local letters = { ["0"] = "A", ["1"] = "B" }
local first, count, machines

function init(arguments)
   first, count, machines = tonumber(arguments[1]), tonumber(arguments[2]), tonumber(arguments[3])
   math.randomseed(os.time())
end

function request()
   local digits = string.format("%016d", first + math.random(count) - 1):gsub("[01]", letters)
   local key = digits:gsub("(....)(....)(....)(....)", "%1-%2-%3-%4")
   return head .. string.format('{"key":"%s","machineId":"machine-%06d"}', key, math.random(machines))
end

function done(summary)
   local errors = summary.errors
   local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
   io.write(string.format("result: %d %d %d %d\n", summary.requests, failed, summary.bytes, summary.duration))
end
