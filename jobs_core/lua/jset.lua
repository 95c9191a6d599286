#!lua
--[[ JSET board id runner payload [option value …]

  Create a job, or update it. An update with the same schedule keeps the job's run times and the number of
  runs left; `start`, when it is not given, stays what it was.

  Options: every (or seconds … years) start stop duration repeat decay step | at | queue timeout lease policy
  attempts backoff | left paused next (restore a dump) | now (tests)

    EVALSHA <JSET> 1 {jobs} tick shell 'echo hi' every 5 stop 1799999999

  Answers the next run in ms since the epoch, or 0 when the job only runs when pushed, is paused or has ended.
  Errors: JOBS OPTION, JOBS PAYLOAD.
--]]
--- @include "command"
--- @include "put"

return command(function()
  return put(KEYS[1], ARGV, false)
end)
