--- @include "history"
--- @include "record"

-- `{b}:output:<task>` is the stream of what a task prints and how it ended, for a job whose option `keep` says how long.

local KEPT_LINES = 10000  -- about how many entries are kept

-- How long the output of a task is kept: ms, or nothing when it is not.
local function kept_for(task)
  local options = split_body(task.body)
  local seconds = options:find('"keep"', 1, true) and cjson.decode(options).keep
  return seconds and seconds * 1000
end

-- Add an entry to the output of a task.
local function keep_entry(board, task, period, ...)
  local name = key(board, 'output:' .. task.id)
  redis.call('XADD', name, 'MAXLEN', '~', KEPT_LINES, '*', ...)
  redis.call('PEXPIRE', name, digits(period))
end

-- Tell of a step of a task: to the board's history, and to whoever waits for the task.
local function tell(board, task, attempt, what, fields)
  remember(board, task.id, attempt, what, fields)
  local period = kept_for(task)
  if period then keep_entry(board, task, period, 'attempt', attempt, 'what', what, unpack(fields)) end
end
