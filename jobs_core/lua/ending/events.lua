-- `{b}:output:<task>` is the stream of what a task prints and how it ended, for a job whose option `keep` says how long.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local history = require 'ledger.history'

local events = {}

local MAX_ENTRIES = 10000  -- about how many entries are kept

-- How long the output of a task is kept: ms, or nothing when it is not.
function events.output_period(task)
  local keep = task.options.keep
  return keep and keep * 1000
end

-- Add an entry to the output of a task.
function events.append_output(board, task, period, ...)
  local name = key(board, 'output:' .. task.id)
  redis.call('XADD', name, 'MAXLEN', '~', MAX_ENTRIES, '*', ...)
  redis.call('PEXPIRE', name, digits(period))
end

-- Tell of a step of a task: to the board's history, and to whoever waits for the task.
function events.record(board, task, attempt, what, fields)
  history.append(board, task.id, attempt, what, fields)
  local period = events.output_period(task)
  if period then events.append_output(board, task, period, 'attempt', attempt, 'what', what, unpack(fields)) end
end

return events
