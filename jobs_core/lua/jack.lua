#!lua flags=allow-oom
--[[ JACK board token done|failed|cancelled|accepted|retry|release|dead|update [option value …]

  Report how a task ended, or its progress, under the token of its lease.

    done        the task is done
    failed      the attempt has failed: the worker that takes the task next asks its policy what to do
    cancelled   the task has ended because a user cancelled it
    accepted    the work goes on elsewhere: the task stays open under its token until another JACK, at most for `timeout`
                (default 1 day); after that the attempt has failed, with the code `timeout`
    retry       the attempt has failed: queue the task again, after `delay`; that is another attempt
    release     give the task back unfinished, after `delay`: the attempt does not count
    dead        the attempt has failed, and the task is given up: it becomes a dead letter
    update      the task goes on: record its `progress` (0 to 100) and a `note`

  Options: delay, timeout (durations), progress, note and code (kept in the history, up to 1,000 and 64 bytes), data
  (a JSON object, likewise, up to 64 KiB: of longer data, {"truncated": true, "end": …} has the end), tail (the end of what
  the attempt printed, as JLOGS returns it), unstarted (1: this attempt never began, and the report is about the one before),
  now (tests).

    FCALL JACK 1 {jobs} tick@1763900005000#7 done note 'exit 0'

  A task that somebody asked to cancel is not queued again: retry, failed, release and accepted then end it as cancelled.
  Returns the task's id.
  Errors: JOBS STALE when the token no longer holds the task; JOBS OPTION.
--]]
local follow_ups = require 'due.follow_ups'
local reports = require 'ending.reports'

return function(board, args)
  local id = reports.apply(board, args)
  follow_ups.queue(board)
  return id
end
