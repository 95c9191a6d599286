#!lua flags=allow-oom
--[[ JACK board token done|fail|retry|dead|cancelled|release|accept|update [option value …]

  Say what became of a task, or where it stands, under the token of its lease.

    done        it has ended well
    fail        it has failed: the worker that takes it next asks its policy what to do
    retry       it has failed: queue it again, after `delay`; that is another attempt
    dead        it has failed, and is given up: it becomes a dead letter
    cancelled   it has ended because somebody asked for that
    release     give it back unfinished, after `delay`: the attempt does not count
    accept      it goes on elsewhere: it stays open under its token for `timeout` (a day unless given), until
                another JACK; after that the attempt has failed
    update      it goes on: note how far it is, as `progress` (0 to 100) and `note`

  Options: delay, timeout (durations), progress, note and code (kept in the history, up to 1,000 and 64 bytes), data
  (a JSON object, likewise, or left out above 64 KiB), unstarted (1: this attempt never began; what is reported is of the one
  before), now (tests).

    FCALL JACK 1 {jobs} tick@1763900005000#7 done note 'exit 0'

  A task that somebody asked to cancel is not queued again: retry, fail, release and accept then end it as cancelled.
  Returns the task's id.
  Errors: JOBS STALE when the token no longer holds the task; JOBS OPTION.
--]]
local dependents = require 'due.dependents'
local reports = require 'ending.reports'

return function(board, args)
  local id = reports.apply(board, args)
  dependents.queue_ready(board)
  return id
end
