-- Whether a limit lets a task start.

local key = require('base.keys').key
local numbers = require 'base.numbers'
local holds = require 'limit.holds'
local lending = require 'limit.lending'
local rates = require 'limit.rates'
local wake = require 'queue.wake'

local capacity = {}

capacity.UNLIMITED = numbers.MAX

-- Measure how many more tasks a limit lets run (`slots`) and start (`starts`). `at` is when the next may start after
-- `starts` is used up.
function capacity.measure(board, limit, now)
  limit.slots, limit.starts = capacity.UNLIMITED, capacity.UNLIMITED
  if lending.is_shared(limit.name) then return lending.measure(board, limit, now) end
  if limit.concurrency then
    limit.slots = limit.concurrency - redis.call('SCARD', key(board, 'running:' .. limit.name))
  end
  if limit.n then
    local starts = key(board, 'rate:' .. limit.name)
    local oldest = rates.remove_old(starts, now - limit.period)
    limit.starts = limit.n - redis.call('LLEN', starts)
    limit.at = (oldest or now) + limit.period
  end
  return limit
end

function capacity.is_full(limit)
  return limit.slots <= 0 or limit.starts <= 0
end

-- If only the rate is exceeded, let a tick open the limit again. One that is lent opens when the home lends more.
function capacity.reopen_later(board, limit)
  if limit.starts > 0 or limit.is_lent then return end
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
    if lending.is_shared(limit.name) then
      lending.note_start(board, limit, now)
    elseif limit.n then
      rates.add(key(board, 'rate:' .. limit.name), now, limit)
    end
  end
end

return capacity
