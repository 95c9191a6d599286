-- The starts that a rate counts: lists of times in ms, oldest first.

local layout = require 'base.layout'
local numbers = require 'base.numbers'

local rates = {}

-- Return how long a start that was lent to a partition may be used, in ms. The rate counts it for that much longer.
function rates.validity(limit)
  return math.min(1000, math.max(100, limit.period / 10))
end

-- Remove the starts up to a time, at most a thousand, so that the count may be too high but never too low. Returns the
-- oldest start left.
function rates.remove_old(starts, upto)
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

-- Return the oldest start after a time, and how many there are.
function rates.taken(starts, upto)
  return rates.remove_old(starts, upto), redis.call('LLEN', starts)
end

-- On a partition, a start may be lent for up to a second more: see rates.validity.
local function expire(starts, limit)
  local margin = layout.partition() and 2000 or 1000
  redis.call('PEXPIRE', starts, numbers.digits(limit.period + margin))
end

function rates.add(starts, time, limit)
  redis.call('RPUSH', starts, numbers.digits(time))
  expire(starts, limit)
end

-- Add times (as text) in any order.
function rates.insert(starts, times, limit)
  if #times == 0 then return end
  local found = redis.call('LRANGE', starts, 0, -1)
  for _, time in ipairs(times) do found[#found + 1] = time end
  table.sort(found, function(a, b) return tonumber(a) < tonumber(b) end)
  redis.call('DEL', starts)
  for i = 1, #found, 1000 do redis.call('RPUSH', starts, unpack(found, i, math.min(i + 999, #found))) end
  expire(starts, limit)
end

return rates
