local key = require('base.keys').key
local lanes = require 'queue.lanes'
local moves = require 'queue.moves'
local records = require 'queue.records'
local timers = require 'queue.timers'
local wake = require 'queue.wake'

local queues = {}

-- Append records to a lane: new tasks. See `put_back` for those that have been elsewhere.
function queues.append(board, lane, tasks)
  redis.call('RPUSH', key(board, 'queue:' .. lane), unpack(tasks))
  lanes.register(board, lane)
  wake.queue(board, (lanes.split(lane)))
end

-- Append the record of a task that was delayed, held or dead to its lane.
function queues.put_back(board, lane, record)
  moves.note(board, record)
  queues.append(board, lane, { record })
end

-- Put a record at the front of its lane.
function queues.prepend(board, lane, record)
  moves.note(board, record)
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
    local record = records.write(task)
    moves.note(board, record)
    redis.call('HSET', key(board, 'task'), ticket, record)
    timers.set(board, 'delayed', ticket, now + delay)
  else
    redis.call('HDEL', key(board, 'task'), ticket)
    queues.prepend(board, task.lane, records.write(task))
  end
end

return queues
