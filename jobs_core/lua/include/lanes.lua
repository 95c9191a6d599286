--- @include "record"

-- Lanes that are empty are forgotten, where there are so many that some will not be used again.
local forget_lanes
do
  local KEPT = 100  -- lanes of a board that are remembered, empty or not
  local MANY = 100  -- lanes, at random, that one call looks at

  local function forget(board, lane)
    redis.call('SREM', key(board, 'queues'), lane)
    local queue, priority = split_lane(lane)
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

  function forget_lanes(board)
    if redis.call('SCARD', key(board, 'queues')) <= KEPT then return end
    for _, lane in ipairs(redis.call('SRANDMEMBER', key(board, 'queues'), MANY)) do
      if redis.call('EXISTS', key(board, 'queue:' .. lane)) == 0 then forget(board, lane) end
    end
  end
end
