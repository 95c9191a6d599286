#!lua
--[[ JSETNX board id runner payload [option value …]

  Create a job; refuse when there is one of that id. The options are those of JSET.

    EVALSHA <JSETNX> 1 {jobs} tick shell 'echo hi' every 5

  Answers the next run in ms since the epoch, or 0 when the job only runs when pushed.
  Errors: JOBS AGAIN, JOBS EXISTS, JOBS OPTION, JOBS PAYLOAD.
--]]
--- @include "command"
--- @include "put"

return command(function()
  return put(ground_by_hand(KEYS[1]), ARGV, true)
end)
