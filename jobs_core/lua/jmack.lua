#!lua flags=allow-oom
--[[ JMACK board words token verb [option value …] [words token …] …

  Report on several tasks in one call, each as JACK would. `words` is how many arguments each has. One that is refused
  keeps none of the others from being reported. Report on no more than about a hundred at once.

    FCALL JMACK 1 {jobs} 2 tick@1763900005000#7 done 4 tock@1763900005000#8 retry delay 10

  Returns a list: for each what JACK would, the task's id, or an error.
  Errors: JOBS OPTION.
--]]
local dependents = require 'due.dependents'
local reports = require 'ending.reports'

return function(board, args)
  local replies = reports.apply_all(board, args)
  dependents.queue_ready(board)
  return replies
end
