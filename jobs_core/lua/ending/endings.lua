-- Ends the hold of a token on its task.

local key = require('base.keys').key
local alert_endings = require 'alert.endings'
local backfills = require 'backfill.backfills'
local dead_letters = require 'ending.dead_letters'
local ended_runs = require 'ending.ended_runs'
local ended_tasks = require 'ending.ended_tasks'
local counters = require 'ledger.counters'
local release = require 'limit.release'
local attempts = require 'queue.attempts'
local run_lines = require 'ledger.run_lines'
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
  task.was_leased = true
  return task, cancelled
end

-- Record that a task is cancelled that is no longer stored. `fields` are those of its event, if it has any.
function endings.record_cancelled(board, task, now, fields)
  local job, code, note = records.job_of(task.id), run_lines.code_and_note(fields or {})
  local on_board = counters.add_for_job(board, job, 'cancelled', 1)
  ended_runs.record(board, task, 'cancelled', now, on_board, code, note)
  open_runs.remove(board, task.id)
  backfills.note_ended(board, task.id, 'cancelled')
  ended_tasks.record(board, task.id, 'cancelled', now, fields)
end

-- End a task that is stored under a token as cancelled.
function endings.cancel(board, token, task, now, fields)
  redis.call('HDEL', key(board, 'task'), token)
  endings.record_cancelled(board, task, now, fields)
end

-- Give a task up. It becomes a dead letter.
function endings.give_up(board, token, task, now, fields)
  redis.call('HSET', key(board, 'task'), token, records.write(task))
  redis.call('ZADD', key(board, 'dead'), now, token)
  local _, _, _, code, note = attempts.last(task)
  local on_board = counters.add_for_job(board, records.job_of(task.id), 'dead', 1)
  local failures =
    ended_runs.record(board, task, 'dead', now, on_board, code ~= '-' and code or nil, note ~= '' and note or nil)
  open_runs.remove(board, task.id)
  backfills.note_ended(board, task.id, 'dead')
  ended_tasks.record(board, task.id, 'dead', now, fields)
  alert_endings.note_dead(board, task, failures, now)
  dead_letters.purge_excess(board, 2)  -- two, so that a lower bound is reached in the end
end

return endings
