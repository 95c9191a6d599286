local history = require 'ledger.history'
local output = require 'ending.output'

local events = {}

-- Tell of a step of a task: to the board's history, and to whoever waits for the task.
function events.record(board, task, attempt, what, fields)
  history.append(board, task.id, attempt, what, fields)
  local period = output.period(task)
  if period then output.append(board, task, period, { { 'attempt', attempt, 'what', what, unpack(fields) } }) end
end

return events
