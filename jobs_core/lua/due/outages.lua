-- Leases that end while nobody can tick. When Redis stops, loads its data or loses its network for a while, workers cannot
-- renew their leases, and the first tick after that would end them all. A jump of Redis's clock has the same effect. So a
-- tick that comes long after the tick before extends the leases that ended between the two, once. Workers then have
-- `EXTENSION` to renew them or to report. `{b}:stats` has the times of the two ticks, `outage_from` and `outage_to`, until
-- all those leases are extended.

local key = require('base.keys').key
local digits = require('base.numbers').digits

local outages = {}

local GAP = 5000  -- ms between two ticks that count as an outage: a clock ticks every second
local EXTENSION = 10000  -- ms that a lease is extended for
local PAGE = 500  -- leases that one tick extends

-- Return whether any lease has ended.
local function has_ended(leased, now)
  local first = redis.call('ZRANGE', leased, 0, 0, 'WITHSCORES')
  return first[2] and tonumber(first[2]) <= now
end

-- Extend the leases that ended during an outage, if the tick before, at `last`, is too long ago. `last` is 0 if nobody has
-- ticked while tasks are leased. Returns whether more are left, so that none may be ended yet.
function outages.extend_leases(board, last, now)
  local stats, leased = key(board, 'stats'), key(board, 'leased')
  if not has_ended(leased, now) then return false end
  if now - last > GAP then redis.call('HSET', stats, 'outage_from', digits(last), 'outage_to', digits(now)) end
  local first, upto = unpack(redis.call('HMGET', stats, 'outage_from', 'outage_to'))
  if not first then return false end
  local tokens = redis.call('ZRANGE', leased, '(' .. first, upto, 'BYSCORE', 'LIMIT', 0, PAGE)
  for _, token in ipairs(tokens) do redis.call('ZADD', leased, 'XX', now + EXTENSION, token) end
  if #tokens == PAGE then return true end
  redis.call('HDEL', stats, 'outage_from', 'outage_to')
  return false
end

return outages
