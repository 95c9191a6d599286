-- `{b}:output:<task>` is a stream of what a task prints and how it ended, for jobs with the option `keep`.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local history = require 'ledger.history'

local events = {}

local MAX_ENTRIES = 10000  -- approximately

-- Return how long the output of a task is kept, in ms, or nothing if it is not.
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

-- Record an event of a task in the board's history, and in its output, which clients that wait for the task read.
function events.record(board, task, attempt, what, fields)
  history.append(board, task.id, attempt, what, fields)
  local period = events.output_period(task)
  if period then events.append_output(board, task, period, 'attempt', attempt, 'what', what, unpack(fields)) end
end

return events
