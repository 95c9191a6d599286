#!lua
--[[ JSET board id runner payload [option value …]

  Create a job, or replace it with all its options. JEDIT changes single options. An unchanged schedule keeps the next run
  and the number of runs left. If no `start` is given, the interval stays on the grid of the earlier runs.

  Options: every (or seconds … years) decay step, or cron zone dst, with start stop duration repeat jitter misfire grace
  overlap | after on join, with start stop duration repeat overlap | at | queue priority timeout lease policy attempts
  backoff … | left paused next paused-at paused-by paused-because paused-until (restore a dump) | by because (who changes it,
  and why: see JCHANGES) | if-match | now (tests)

  A cron pattern has 5 fields, 6 (seconds first) or 7 (seconds first, year last), or is a nickname such as @daily. It
  follows OCPS 1.0 to 1.4, and H stands for a number derived from the job's id. `zone` defaults to UTC. A pattern may begin
  with it (TZ=… or CRON_TZ=…), and @every 5m is every 5m. `dst` says what happens when clocks change. With `vixie`, a fixed
  time that is skipped runs right after, a fixed time that occurs twice runs once, and * follows the clock; changes of
  three hours or more only set the clock. With `ocps`, a skipped time does not run, and one that occurs twice runs once.

  `after` names jobs, a,b. The job runs once all of them (with `join any`: one of them) have ended since its last run, as
  `on` says: done (default), dead, or end (in any way). It has no run times of its own. A job must not wait for itself,
  directly or through others.

  `if-match` is the etag of the job as the caller has read it: see JGET. If the job has changed since, or there is none,
  nothing is changed.

    FCALL JSET 1 {jobs} tick shell 'echo hi' every 5 stop 1799999999
    FCALL JSET 1 {jobs} report shell ./report.sh cron '0 3 * * MON-FRI' zone Europe/Brussels
    FCALL JSET 1 {jobs} clean shell ./clean.sh after fetch,report

  Returns the next run in ms since the epoch, or 0 if the job runs only when pushed or after others, is paused, or has
  ended.
  Errors: JOBS AGAIN, JOBS CONFLICT, JOBS OPTION, JOBS PAYLOAD.
--]]
local put = require 'define.put'

return function(board, args)
  return put.apply(board, args, false, 'put')
end
