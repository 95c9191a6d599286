-- Backfills: occurrences of the past that are queued as tasks, a few at a time.
--
--   {b}:backfills           a hash: each backfill by its number, as JSON. Times are ms. Up to MAX_ENDED that have ended stay
--   {b}:backfilling         a sorted set: the backfills under way, by when a tick looks at them again; inf: when a task ends
--   {b}:backfill:heads      a hash: the heads of the jobs, as they were when the backfills that are being planned began
--   {b}:backfill:dues:<n>   a list: the dues that are left to queue, in order
--   {b}:backfill:tasks      a hash: each task of a backfill that has not ended, and its backfill
--   {b}:backfill:scans      a hash: the backfills that look for tasks, and their jobs: see queue/moves.lua
--   {b}:backfill:busy:<n>   a set: the dues of tasks of its job that such a backfill has found
--   {b}:backfilled:<job>    a sorted set: the dues that backfills of a job have queued: see backfill/ran.lua

local key = require('base.keys').key
local timers = require 'queue.timers'

local backfills = {}

local MAX_ENDED = 100

-- Scores of a backfill: the script under way continues it, or else the next tick; or only the next tick.
backfills.NOW, backfills.NEXT_TICK = 1, 2

function backfills.read(board, id)
  local text = redis.call('HGET', key(board, 'backfills'), id)
  return text and cjson.decode(text) or nil
end

function backfills.write(board, backfill)
  redis.call('HSET', key(board, 'backfills'), backfill.id, cjson.encode(backfill))
end

-- Look at a backfill at `time`, or once a task of it ends.
function backfills.continue_at(board, id, time)
  if time == math.huge then
    redis.call('ZADD', key(board, 'backfilling'), '+inf', id)
  else
    timers.set(board, 'backfilling', id, time)
  end
end

function backfills.dues_key(board, id)
  return key(board, 'backfill:dues:' .. id)
end

-- Remove the oldest that have ended.
local function remove_old(board)
  local excess = redis.call('HLEN', key(board, 'backfills')) - redis.call('ZCARD', key(board, 'backfilling')) - MAX_ENDED
  if excess <= 0 then return end
  local ids = redis.call('HKEYS', key(board, 'backfills'))
  table.sort(ids, function(a, b) return tonumber(a) < tonumber(b) end)
  for _, id in ipairs(ids) do
    if excess > 0 and not redis.call('ZSCORE', key(board, 'backfilling'), id) then
      redis.call('HDEL', key(board, 'backfills'), id)
      excess = excess - 1
    end
  end
end

-- Forget what was found while a backfill looked for tasks.
function backfills.end_scan(board, id)
  redis.call('HDEL', key(board, 'backfill:scans'), id)
  redis.call('DEL', key(board, 'backfill:busy:' .. id))
end

-- End a backfill as done or cancelled.
function backfills.finish(board, backfill, state, now)
  backfill.state, backfill.ended, backfill.cursor = state, now, nil
  backfills.end_scan(board, backfill.id)
  redis.call('DEL', backfills.dues_key(board, backfill.id))
  redis.call('HDEL', key(board, 'backfill:heads'), backfill.id)
  redis.call('ZREM', key(board, 'backfilling'), backfill.id)
  backfills.write(board, backfill)
  remove_old(board)
end

local function count_ended(board, id, ending, n)
  local backfill = backfills.read(board, id)
  if not backfill then return end
  backfill.running, backfill[ending] = backfill.running - n, backfill[ending] + n
  backfills.write(board, backfill)
  backfills.continue_at(board, id, backfills.NOW)
end

-- Note that tasks have ended: done, dead, cancelled or unleased. Most are of no backfill.
function backfills.note_all_ended(board, tasks, ending)
  local name, found, counts = key(board, 'backfill:tasks'), {}, {}
  if redis.call('EXISTS', name) == 0 then return end
  for i, id in ipairs(redis.call('HMGET', name, unpack(tasks))) do
    if id then found[#found + 1], counts[id] = tasks[i], (counts[id] or 0) + 1 end
  end
  if #found == 0 then return end
  redis.call('HDEL', name, unpack(found))
  for id, n in pairs(counts) do count_ended(board, id, ending, n) end
end

function backfills.note_ended(board, task, ending)
  backfills.note_all_ended(board, { task }, ending)
end

-- Queue nothing more for a job that is removed.
function backfills.note_removed(board, job)
  redis.call('DEL', key(board, 'backfilled:' .. job))
  for _, id in ipairs(redis.call('ZRANGE', key(board, 'backfilling'), 0, -1)) do
    local backfill = backfills.read(board, id)
    if backfill and backfill.job == job and not backfill.removed then
      backfill.removed = true
      backfills.write(board, backfill)
      backfills.continue_at(board, id, backfills.NOW)
    end
  end
end

return backfills
