local key = require('base.keys').key
local digits = require('base.numbers').digits
local wake = require 'queue.wake'

local timers = {}

-- Add `member` to a sorted set of times. Wake a clock if it is now the first.
function timers.set(board, set, member, time)
  local name = key(board, set)
  redis.call('ZADD', name, time, member)
  if redis.call('ZRANGE', name, 0, 0)[1] == member then wake.clock(board) end
end

-- Add several: time, member, time, member …
function timers.set_all(board, set, times)
  local name = key(board, set)
  redis.call('ZADD', name, unpack(times))
  local first = redis.call('ZRANGE', name, 0, 0)[1]
  for i = 2, #times, 2 do
    if times[i] == first then return wake.clock(board) end
  end
end

-- Set the next run of a job, or remove it from the schedule.
function timers.set_next_run(board, id, due)
  if due then
    timers.set(board, 'schedule', id, due)
  else
    redis.call('ZREM', key(board, 'schedule'), id)
  end
end

-- Return what is due in a sorted set of times, earliest first: member, time, member, time …
function timers.due(board, set, now, limit)
  return redis.call('ZRANGE', key(board, set), '-inf', digits(now), 'BYSCORE', 'LIMIT', 0, limit, 'WITHSCORES')
end

return timers
