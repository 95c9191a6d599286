#!lua flags=allow-oom
--[[ JMACK board words token verb [option value …] [words token …] …

  Report on several tasks in one call, each as JACK does. `words` is the number of arguments of each report. A rejected
  report does not affect the others. Report on at most about a hundred tasks at once.

    FCALL JMACK 1 {jobs} 2 tick@1763900005000#7 done 4 tock@1763900005000#8 retry delay 10

  Returns a list: for each report the task's id, or an error.
  Errors: JOBS OPTION.
--]]
local follow_ups = require 'due.follow_ups'
local reports = require 'ending.reports'

return function(board, args)
  local replies = reports.apply_all(board, args)
  follow_ups.queue(board)
  return replies
end
