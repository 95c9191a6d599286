-- When a limit has room again, `{b}:ready` gets its name, and JPOP admits the tasks that it holds.

local key = require('base.keys').key
local limits = require 'limit.limits'
local bad_records = require 'queue.bad_records'
local lanes = require 'queue.lanes'
local records = require 'queue.records'
local wake = require 'queue.wake'

local release = {}

-- Return the first task held by a limit, if there is one.
function release.first_held(board, name)
  local list = key(board, 'held:' .. name)
  local record = redis.call('LINDEX', list, 0)
  while record do
    local task = records.read(record)
    if task then return task end
    bad_records.set_aside(board, 'held', redis.call('LPOP', list))
    record = redis.call('LINDEX', list, 0)
  end
end

-- Wake a worker to admit tasks held by a limit that may have room.
function release.notify_worker(board, name)
  local first = release.first_held(board, name)
  if not first then return end
  redis.call('SADD', key(board, 'ready'), name)
  wake.queue(board, (lanes.split(first.lane)))
end

-- Wake a worker for a queue if tasks wait there. `queue_lanes` are its lanes, if they are known.
function release.wake_queue(board, queue, queue_lanes)
  for _, lane in ipairs(queue_lanes or lanes.of_queue(board, queue)) do
    if redis.call('EXISTS', key(board, 'queue:' .. lane)) == 1 then return wake.queue(board, queue) end
  end
end

-- Release the room that a task occupied under its limits, because it ended or left its lane before it started. If it
-- returns to the front of its lane, wake nobody. Only a task that never started frees its part of a rate.
function release.free_slot(board, task, token, is_requeued)
  for _, limit in ipairs(limits.of_task(board, task, redis.call('EXISTS', key(board, 'limits')) == 1)) do
    if limit.concurrency and token then redis.call('SREM', key(board, 'running:' .. limit.name), token) end
    if (limit.concurrency or not token) and not is_requeued then
      release.notify_worker(board, limit.name)
      if limit.name:find('^queue:') then release.wake_queue(board, limit.name:sub(7)) end
    end
  end
end

return release
