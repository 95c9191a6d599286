-- `{b}:holds` says of tasks that a limit holds, or held before their current attempt: `limit since attempt`. `since` is in ms.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local records = require 'queue.records'

local holds = {}

local HOLDERS = 3

local function read(text)
  return (text or ''):match('^(%S+) (%d+) (%d+)$')
end

-- Return the ids of some tasks that fill a limit, or nothing if none does.
local function holders_of(board, limit)
  local ids = redis.call('SRANDMEMBER', key(board, 'running:' .. limit), HOLDERS)
  for i, token in ipairs(ids) do ids[i] = records.id_of_token(token) or token end
  return ids[1] and ids
end

-- Note that a limit holds a task from now on. A task that the same limit still holds keeps its time.
function holds.note(board, limit, task, now)
  local name = key(board, 'holds')
  local before, since, attempt = read(redis.call('HGET', name, task.id))
  if before ~= limit or tonumber(attempt) ~= task.attempt then since = digits(now) end
  redis.call('HSET', name, task.id, table.concat({ limit, since, task.attempt }, ' '))
end

-- Forget the hold of a task. Returns limit@since, or nothing if there was none.
function holds.take(board, id)
  local limit, since = read(redis.call('HGET', key(board, 'holds'), id))
  if not limit then return nil end
  redis.call('HDEL', key(board, 'holds'), id)
  return limit .. '@' .. since
end

-- Return what holds a task: limit, since (seconds) and the ids of tasks that fill it now; nothing if it was never held.
function holds.find(board, id)
  local limit, since = read(redis.call('HGET', key(board, 'holds'), id))
  if not limit then return nil end
  return { limit = limit, since = since / 1000, by = holders_of(board, limit), opens = holds.opens(board, limit) }
end

-- Return when the rate of a limit lets the next task start, in seconds; nothing if its rate is not used up.
function holds.opens(board, limit)
  local score = tonumber(redis.call('ZSCORE', key(board, 'gates'), limit) or nil)
  return score and score / 1000
end

return holds
