local history = require 'ledger.history'
local output = require 'ending.output'

local events = {}

-- Record an event of a task in the board's history, and in its output, which clients that wait for the task read.
function events.record(board, task, attempt, what, fields)
  history.append(board, task.id, attempt, what, fields)
  local period = output.period(task)
  if period then output.append(board, task, period, { { 'attempt', attempt, 'what', what, unpack(fields) } }) end
end

return events
