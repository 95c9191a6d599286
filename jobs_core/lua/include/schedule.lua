--- @include "head"
--- @include "wake"

-- Put `member` into a sorted set of times; wake a clock when that makes it the next thing to happen.
local function plan(board, set, member, time)
  local name = key(board, set)
  redis.call('ZADD', name, time, member)
  if redis.call('ZRANGE', name, 0, 0)[1] == member then wake_clock(board) end
end

-- Give a job its next run; without one it is taken off the schedule.
local function schedule(board, id, due)
  if due then
    plan(board, 'schedule', id, due)
  else
    redis.call('ZREM', key(board, 'schedule'), id)
  end
end
