local key = require('base.keys').key
local lanes = require 'queue.lanes'
local records = require 'queue.records'
local timers = require 'queue.timers'
local wake = require 'queue.wake'

local queues = {}

-- Append records to a lane.
function queues.append(board, lane, tasks)
  redis.call('RPUSH', key(board, 'queue:' .. lane), unpack(tasks))
  lanes.register(board, lane)
  wake.queue(board, (lanes.split(lane)))
end

-- Put a record at the front of its lane.
function queues.prepend(board, lane, record)
  redis.call('LPUSH', key(board, 'queue:' .. lane), record)
  lanes.register(board, lane)
  wake.queue(board, (lanes.split(lane)))
end

-- Return the records of a list, from `first` on, to the front of their lane.
function queues.return_records(board, lane, popped, first)
  for i = #popped, first, -1 do queues.prepend(board, lane, popped[i]) end
end

-- Queue a task again, after `delay` ms. Its record is stored under `ticket`.
function queues.requeue(board, ticket, task, delay, now)
  if delay > 0 then
    redis.call('HSET', key(board, 'task'), ticket, records.write(task))
    timers.set(board, 'delayed', ticket, now + delay)
  else
    redis.call('HDEL', key(board, 'task'), ticket)
    queues.prepend(board, task.lane, records.write(task))
  end
end

return queues
