-- Ends the hold of a token on its task.

local key = require('base.keys').key
local dead_letters = require 'ending.dead_letters'
local ended_tasks = require 'ending.ended_tasks'
local counters = require 'ledger.counters'
local release = require 'limit.release'
local open_runs = require 'queue.open_runs'
local leases = require 'queue.leases'
local records = require 'queue.records'

local endings = {}

-- End the lease of a task. `is_requeued` says that it returns to its lane at once. Returns the task and whether its
-- cancellation was requested, or nothing if the token holds no task.
function endings.end_lease(board, token, is_requeued)
  if redis.call('ZREM', key(board, 'leased'), token) == 0 then return nil end
  local task = leases.find(board, token)
  if not task then return nil end
  local cancelled = redis.call('SREM', key(board, 'cancelling'), token) == 1
  release.free_slot(board, task, token, is_requeued and not cancelled)
  return task, cancelled
end

-- End a task. `status` is done or cancelled, and `fields` those of its event, if it has any.
function endings.complete(board, token, task, status, now, fields)
  redis.call('HDEL', key(board, 'task'), token)
  counters.add_for_job(board, records.job_of(task.id), status, 1)
  open_runs.remove(board, task.id)
  ended_tasks.record(board, task.id, status, now, fields)
end

-- Give a task up. It becomes a dead letter.
function endings.give_up(board, token, task, now, fields)
  redis.call('HSET', key(board, 'task'), token, records.write(task))
  redis.call('ZADD', key(board, 'dead'), now, token)
  counters.add_for_job(board, records.job_of(task.id), 'dead', 1)
  open_runs.remove(board, task.id)
  ended_tasks.record(board, task.id, 'dead', now, fields)
  dead_letters.purge_excess(board, 2)  -- two, so that a lower bound is reached in the end
end

return endings
