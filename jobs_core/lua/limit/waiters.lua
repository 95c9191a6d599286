-- The tasks that wait for a limit, and who may take them once it has room.

local key = require('base.keys').key
local bad_records = require 'queue.bad_records'
local lanes = require 'queue.lanes'
local records = require 'queue.records'
local wake = require 'queue.wake'

local waiters = {}

-- Return the first task held by a limit, if there is one.
function waiters.first_held(board, name)
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
function waiters.notify_worker(board, name)
  local first = waiters.first_held(board, name)
  if not first then return end
  redis.call('SADD', key(board, 'ready'), name)
  wake.queue(board, (lanes.split(first.lane)))
end

-- Wake a worker for a queue if tasks wait there. `queue_lanes` are its lanes, if they are known.
function waiters.wake_queue(board, queue, queue_lanes)
  for _, lane in ipairs(queue_lanes or lanes.of_queue(board, queue)) do
    if redis.call('EXISTS', key(board, 'queue:' .. lane)) == 1 then return wake.queue(board, queue) end
  end
end

-- Wake the workers that a limit with room may concern.
function waiters.notify(board, name)
  waiters.notify_worker(board, name)
  if name:find('^queue:') then waiters.wake_queue(board, name:sub(7)) end
end

local function count_lanes(board, queue)
  local n = 0
  for _, lane in ipairs(lanes.of_queue(board, queue)) do n = n + redis.call('LLEN', key(board, 'queue:' .. lane)) end
  return n
end

-- Return how many tasks wait for a limit. Those of a queue that is full stay in their lanes.
function waiters.count(board, name)
  local held = redis.call('LLEN', key(board, 'held:' .. name))
  return name:find('^queue:') and held + count_lanes(board, name:sub(7)) or held
end

local MAX_LISTS = 100  -- lists of held tasks to look at

-- Return how many tasks of a queue wait at most: held ones may be of other queues. Returns nothing if there are too many lists.
function waiters.most_in_queue(board, queue)
  if redis.call('SCARD', key(board, 'held')) > MAX_LISTS then return nil end
  local n = count_lanes(board, queue)
  for _, name in ipairs(redis.call('SMEMBERS', key(board, 'held'))) do
    if not name:find('^queue:') or name == 'queue:' .. queue then n = n + redis.call('LLEN', key(board, 'held:' .. name)) end
  end
  return n
end

return waiters
