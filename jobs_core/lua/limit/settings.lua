-- Limits of queues and runners as they are stored, and what setting one changes. `{b}:limits` has the concurrency, n and period
-- (ms) of a limit, with - for each that is not set, and `{b}:lengths` the max-length of queues.

local key = require('base.keys').key
local limits = require 'limit.limits'
local under_way = require 'limit.under_way'
local timers = require 'queue.timers'

local settings = {}

-- Return the limit of a queue or runner, or nothing. The max-length of the queue mail is the limit length:mail, with a
-- `concurrency`: that many tasks may wait at once.
function settings.find(board, name)
  local queue = name:match('^length:(.*)$')
  if not queue then return limits.shared(board, name) end
  local most = redis.call('HGET', key(board, 'lengths'), queue)
  return most and { name = name, concurrency = tonumber(most) } or nil
end

-- Return the names of the limit of a queue or runner, and of its max-length.
function settings.names(name)
  return { name, name:find('^queue:') and 'length:' .. name:sub(7) or nil }
end

-- Return how a limit is stored, and the max-length of a queue; nothing for what is not set.
function settings.texts(board, name)
  local text = redis.call('HGET', key(board, 'limits'), name)
  local most = name:find('^queue:') and redis.call('HGET', key(board, 'lengths'), name:sub(7))
  return text or nil, most or nil
end

local function set(board, hash, field, value)
  if value then
    redis.call('HSET', key(board, hash), field, value)
  else
    redis.call('HDEL', key(board, hash), field)
  end
end

-- Set the limit of a queue or runner. `stored` is its text, or nothing if it has none; `most` is the max-length of a queue. A
-- new limit counts the tasks that run already. Returns when these have started (ms), as far as a new rate counts them.
function settings.set(board, name, stored, most, now)
  local before = limits.shared(board, name) or {}
  set(board, 'limits', name, stored)
  if name:find('^queue:') then set(board, 'lengths', name:sub(7), most) end
  local limit, starts = limits.shared(board, name) or {}, {}
  if not limit.concurrency then redis.call('DEL', key(board, 'running:' .. name)) end
  if not limit.n then redis.call('DEL', key(board, 'rate:' .. name)) end
  local added = {
    name = name, concurrency = not before.concurrency and limit.concurrency or nil, n = not before.n and limit.n or nil,
    period = limit.period,
  }
  if added.concurrency or added.n then starts = under_way.count_shared(board, added, now) end
  timers.set(board, 'gates', name, now)  -- tasks held by the old limit may start now
  return starts
end

return settings
