--- @include "limits"

-- Whether a limit lets a task start.

local NONE = 1e15  -- more than any

-- Measure how many more tasks a limit lets run (`slots`) and start (`starts`); `at` is when the next may start once
-- there are no more `starts`.
local function measure(board, limit, now)
  limit.slots, limit.starts = NONE, NONE
  if limit.concurrency then
    limit.slots = limit.concurrency - redis.call('SCARD', key(board, 'running:' .. limit.name))
  end
  if limit.n then
    local starts = key(board, 'rate:' .. limit.name)
    local oldest = redis.call('LINDEX', starts, 0)
    while oldest and tonumber(oldest) + limit.period <= now do
      redis.call('LPOP', starts)
      oldest = redis.call('LINDEX', starts, 0)
    end
    limit.starts = limit.n - redis.call('LLEN', starts)
    limit.at = (tonumber(oldest or nil) or now) + limit.period
  end
  return limit
end

local function is_full(limit)
  return limit.slots <= 0 or limit.starts <= 0
end

-- Where only time is in the way, let a tick open the limit again.
local function gate(board, limit)
  if limit.starts > 0 then return end
  redis.call('ZADD', key(board, 'gates'), 'NX', limit.at, limit.name)
  if redis.call('ZRANGE', key(board, 'gates'), 0, 0)[1] == limit.name then wake_clock(board) end
end

-- Keep a task that a limit does not let start.
local function hold(board, limit, record)
  redis.call('RPUSH', key(board, 'held:' .. limit.name), record)
  redis.call('SADD', key(board, 'held'), limit.name)
  gate(board, limit)
end

-- A task starts under a token: it counts.
local function count_start(board, limits, token, now)
  for _, limit in ipairs(limits) do
    if limit.concurrency and token ~= '' then redis.call('SADD', key(board, 'running:' .. limit.name), token) end
    if limit.n then
      redis.call('RPUSH', key(board, 'rate:' .. limit.name), digits(now))
      redis.call('PEXPIRE', key(board, 'rate:' .. limit.name), digits(limit.period + 1000))
    end
  end
end
