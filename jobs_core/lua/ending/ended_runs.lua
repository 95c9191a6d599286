-- Records tasks that have ended as runs of their jobs (ledger/runs.lua), and counts them by the hour.

local digits = require('base.numbers').digits
local failures = require 'ledger.failures'
local hours = require 'ledger.hours'
local run_lines = require 'ledger.run_lines'
local runs = require 'ledger.runs'
local holds = require 'limit.holds'
local attempts = require 'queue.attempts'

local ended_runs = {}

local SPLIT_ID = '^(.*)@(%d+%-?f?%d*)$'

-- Return when the last attempt of a task began, how many began, and its worker. A task that waits has not begun the
-- attempt that its record counts.
local function last_attempt(task)
  if task.current then
    local _, since, worker = attempts.current(task)
    return digits(since), task.attempt, worker
  end
  local _, _, worker = attempts.last(task)
  return task.began and digits(task.began) or '-', task.was_leased and task.attempt or task.attempt - 1, worker
end

-- Record that a task has ended. `on_board` says whether its job is on the board. `code` and `note` may be nothing. Returns how
-- many runs of the job in a row have died, if this one has.
function ended_runs.record(board, task, outcome, now, on_board, code, note)
  local held = holds.take(board, task.id)
  local batch, own = runs.new_batch(board), task.options.history
  if batch.most > 0 then hours.add(board, outcome, 1, now) end
  if not on_board then return end
  local job, moment = task.id:match(SPLIT_ID)
  local is_kept = (own or batch.most) > 0
  local in_row = outcome == 'dead' and failures.add(board, job, is_kept) or nil
  if not is_kept then return in_row end
  local since, count, worker = last_attempt(task)
  local ended, details = digits(now), run_lines.details(code, held, note)
  local line = run_lines.of_run(outcome, moment, since, ended, count, worker or '-', details)
  runs.add(batch, job, line, own)
  runs.write(batch)
  return in_row
end

-- Record tasks that leave their queues and that no attempt ends: unleased ones, which a worker has taken, or cancelled ones.
-- Each has `on_board`, whether its job is on the board.
local function record_leaving(board, tasks, outcome, now, worker)
  local batch = runs.new_batch(board)
  if batch.most > 0 then hours.add(board, outcome, #tasks, now) end
  local ended = digits(now)
  local started, stopped = '-', ended
  if outcome == 'unleased' then started, stopped = ended, '-' end
  for i, task in ipairs(tasks) do
    local held, own = task.options and holds.take(board, task.id), task.options and task.options.history
    local job, moment = task.id:match(SPLIT_ID)
    if task.on_board and (own or batch.most) > 0 then
      local details = run_lines.details(nil, held, nil)
      local count = (task.attempt or 1) - (outcome == 'unleased' and 0 or 1)
      local line = run_lines.of_run(outcome, moment, started, stopped, count, worker, details)
      runs.add(batch, job, line, own)
    end
  end
  runs.write(batch)
end

-- Record tasks that a worker has taken without a lease.
function ended_runs.record_unleased(board, tasks, now, worker)
  record_leaving(board, tasks, 'unleased', now, worker)
end

-- Record waiting tasks that are cancelled, some at once.
function ended_runs.record_trimmed(board, tasks, now)
  if #tasks > 0 then record_leaving(board, tasks, 'cancelled', now, '-') end
end

return ended_runs
