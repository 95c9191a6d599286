-- Whether a limit lets a task start.

local key = require('base.keys').key
local numbers = require 'base.numbers'
local holds = require 'limit.holds'
local wake = require 'queue.wake'

local capacity = {}

capacity.UNLIMITED = numbers.MAX

-- Remove the starts up to a time, at most a thousand, so that the count may be too high but never too low. Returns the
-- oldest start left.
local function remove_old_starts(starts, upto)
  local newest = redis.call('LINDEX', starts, -1)
  if newest and tonumber(newest) <= upto then redis.call('DEL', starts) end
  local oldest = tonumber(redis.call('LINDEX', starts, 0) or nil)
  for _ = 1, 1000 do
    if not oldest or oldest > upto then break end
    redis.call('LPOP', starts)
    oldest = tonumber(redis.call('LINDEX', starts, 0) or nil)
  end
  return oldest
end

-- Measure how many more tasks a limit lets run (`slots`) and start (`starts`). `at` is when the next may start after
-- `starts` is used up.
function capacity.measure(board, limit, now)
  limit.slots, limit.starts = capacity.UNLIMITED, capacity.UNLIMITED
  if limit.concurrency then
    limit.slots = limit.concurrency - redis.call('SCARD', key(board, 'running:' .. limit.name))
  end
  if limit.n then
    local starts = key(board, 'rate:' .. limit.name)
    local oldest = remove_old_starts(starts, now - limit.period)
    limit.starts = limit.n - redis.call('LLEN', starts)
    limit.at = (oldest or now) + limit.period
  end
  return limit
end

function capacity.is_full(limit)
  return limit.slots <= 0 or limit.starts <= 0
end

-- If only the rate is exceeded, let a tick open the limit again.
function capacity.reopen_later(board, limit)
  if limit.starts > 0 then return end
  redis.call('ZADD', key(board, 'gates'), 'NX', limit.at, limit.name)
  if redis.call('ZRANGE', key(board, 'gates'), 0, 0)[1] == limit.name then wake.clock(board) end
end

-- Hold a task until its limit has room.
function capacity.throttle(board, limit, task, record, now)
  redis.call('RPUSH', key(board, 'held:' .. limit.name), record)
  holds.note(board, limit.name, task, now)
  redis.call('SADD', key(board, 'held'), limit.name)
  capacity.reopen_later(board, limit)
end

-- Count a task that starts under a token.
function capacity.count_start(board, limits, token, now)
  for _, limit in ipairs(limits) do
    if limit.concurrency and token ~= '' then redis.call('SADD', key(board, 'running:' .. limit.name), token) end
    if limit.n then
      redis.call('RPUSH', key(board, 'rate:' .. limit.name), numbers.digits(now))
      redis.call('PEXPIRE', key(board, 'rate:' .. limit.name), numbers.digits(limit.period + 1000))
    end
  end
end

return capacity
