#!lua
--[[ JSET board id runner payload [option value …]

  Create a job, or update it. An update with the same schedule keeps the job's run times and the number of
  runs left; `start`, when it is not given, stays what it was.

  Options: every (or seconds … years) decay step, or cron zone dst, with start stop duration repeat jitter misfire grace
  overlap | after on join, with start stop duration repeat overlap | at | queue priority timeout lease policy attempts
  backoff … | left paused next (restore a dump) | now (tests)

  A cron pattern has 5 fields, 6 (seconds first) or 7 (seconds first, year last), or is a nickname such as @daily: OCPS
  1.0 to 1.4, and H for a number that the job's id chooses. Its `zone` is UTC unless given. Where clocks change, `dst`
  is `vixie` (as cron does: a fixed time that is left out runs right after, one that comes twice runs once, and * goes
  by what the clock shows) or `ocps` (what is left out is skipped, what comes twice runs once).

  `after` names jobs, a,b: it runs when all of them (`join all`, unless it is `any`) have ended since its last run, `on`
  done (unless it is dead, or end). It has no run times of its own. A job that would wait for itself is refused.

    FCALL JSET 1 {jobs} tick shell 'echo hi' every 5 stop 1799999999
    FCALL JSET 1 {jobs} report shell ./report.sh cron '0 3 * * MON-FRI' zone Europe/Brussels
    FCALL JSET 1 {jobs} clean shell ./clean.sh after fetch,report

  Returns the next run in ms since the epoch, or 0 when the job only runs when pushed or after others, is paused
  or has ended.
  Errors: JOBS AGAIN, JOBS OPTION, JOBS PAYLOAD.
--]]
local put = require 'define.put'

return function(board, args)
  return put.apply(board, args, false)
end
