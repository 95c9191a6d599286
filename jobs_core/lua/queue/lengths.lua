-- How long queues may be: `{b}:lengths` maps a queue to how many tasks may wait in it. Tasks that a limit holds count, too.

local key = require('base.keys').key
local partition = require 'base.partition'
local lending = require 'limit.lending'
local lanes = require 'queue.lanes'

local lengths = {}

local function length(board, name)
  return redis.call('LLEN', key(board, name))
end

-- How many more tasks of a runner, and of a job if it has limits of its own, a queue takes; nothing if it is not bounded.
-- Returns that, and the bound. A partition of a board takes as many as the home of the limit has lent it.
function lengths.room(board, queue, runner, job)
  local most = tonumber(redis.call('HGET', key(board, 'lengths'), queue) or nil)
  if not most then return nil end
  local waiting = length(board, 'held:queue:' .. queue) + length(board, 'held:runner:' .. runner)
  if job then waiting = waiting + length(board, 'held:job:' .. job) end
  for _, lane in ipairs(lanes.of_queue(board, queue)) do waiting = waiting + length(board, 'queue:' .. lane) end
  local taken = partition.current() and lending.places(board, queue) or most
  return math.max(0, taken - waiting), most
end

return lengths
