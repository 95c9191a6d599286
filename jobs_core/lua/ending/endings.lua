-- What becomes of a task that was under way under a token. Each of these ends its hold.

local key = require('base.keys').key
local dead_letters = require 'ending.dead_letters'
local ended_tasks = require 'ending.ended_tasks'
local counters = require 'ledger.counters'
local release = require 'limit.release'
local open_runs = require 'queue.open_runs'
local leases = require 'queue.leases'
local records = require 'queue.records'

local endings = {}

-- End the lease of a task, which may come back to its lane at once. Returns the task, and whether somebody asked to
-- cancel it; or nothing when the token holds none.
function endings.end_lease(board, token, comes_back)
  if redis.call('ZREM', key(board, 'leased'), token) == 0 then return nil end
  local task = leases.find(board, token)
  if not task then return nil end
  local cancelled = redis.call('SREM', key(board, 'cancelling'), token) == 1
  release.free_slot(board, task, token, comes_back and not cancelled)
  return task, cancelled
end

-- It has ended: `status` is done or cancelled.
function endings.complete(board, token, task, status, now)
  redis.call('HDEL', key(board, 'task'), token)
  counters.add_for_job(board, records.job_of(task.id), status, 1)
  open_runs.remove(board, task.id)
  ended_tasks.note(board, records.job_of(task.id), status, now)
end

-- It is given up, and becomes a dead letter.
function endings.give_up(board, token, task, now)
  redis.call('HSET', key(board, 'task'), token, records.write(task))
  redis.call('ZADD', key(board, 'dead'), now, token)
  counters.add_for_job(board, records.job_of(task.id), 'dead', 1)
  open_runs.remove(board, task.id)
  ended_tasks.note(board, records.job_of(task.id), 'dead', now)
  dead_letters.purge_excess(board, 2)  -- one that comes, and one of those that are too many when the bound is lowered
end

return endings
