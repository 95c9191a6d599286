local key = require('base.keys').key
local digits = require('base.numbers').digits

local lanes = {}

function lanes.name(queue, priority)
  return priority and queue .. '!' .. digits(priority) or queue
end

-- Return the queue and the priority of a lane.
function lanes.split(lane)
  local queue, priority = lane:match('^(.*)!(%-?%d+)$')
  return queue or lane, tonumber(priority or 0)
end

-- Register a lane. `{b}:queues` has all of them, and `{b}:lanes` the priorities of each queue, highest first.
function lanes.register(board, lane)
  if redis.call('SADD', key(board, 'queues'), lane) == 0 then return end
  local queue, priority = lanes.split(lane)
  if priority == 0 then return end
  local priorities = {}
  for word in (redis.call('HGET', key(board, 'lanes'), queue) or '0'):gmatch('%S+') do
    priorities[#priorities + 1] = tonumber(word)
  end
  priorities[#priorities + 1] = priority
  table.sort(priorities, function(a, b) return a > b end)
  redis.call('HSET', key(board, 'lanes'), queue, table.concat(priorities, ' '))
end

-- Return the lanes of a queue, highest priority first.
function lanes.of_queue(board, queue)
  local priorities = redis.call('HGET', key(board, 'lanes'), queue)
  if not priorities then return { queue } end
  local found = {}
  for word in priorities:gmatch('%S+') do
    found[#found + 1] = lanes.name(queue, word ~= '0' and tonumber(word) or nil)
  end
  return found
end

-- When a board has many lanes, unregister empty ones.
local MAX_LANES = 100  -- lanes of a board before empty ones are removed
local SAMPLE_SIZE = 100  -- random lanes checked per call

local function remove(board, lane)
  redis.call('SREM', key(board, 'queues'), lane)
  local queue, priority = lanes.split(lane)
  local priorities = redis.call('HGET', key(board, 'lanes'), queue)
  if not priorities or priority == 0 then return end
  local left = {}
  for word in priorities:gmatch('%S+') do
    if tonumber(word) ~= priority then left[#left + 1] = word end
  end
  if #left > 1 then
    redis.call('HSET', key(board, 'lanes'), queue, table.concat(left, ' '))
  else
    redis.call('HDEL', key(board, 'lanes'), queue)
  end
end

function lanes.remove_unused(board)
  if redis.call('SCARD', key(board, 'queues')) <= MAX_LANES then return end
  for _, lane in ipairs(redis.call('SRANDMEMBER', key(board, 'queues'), SAMPLE_SIZE)) do
    if redis.call('EXISTS', key(board, 'queue:' .. lane)) == 0 then remove(board, lane) end
  end
end

return lanes
