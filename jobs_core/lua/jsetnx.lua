#!lua
--[[ JSETNX board id runner payload [option value …]

  Create a job; refuse when there is one of that id. The options are those of JSET.

    FCALL JSETNX 1 {jobs} tick shell 'echo hi' every 5

  Returns the next run in ms since the epoch, or 0 when the job only runs when pushed.
  Errors: JOBS AGAIN, JOBS EXISTS, JOBS OPTION, JOBS PAYLOAD.
--]]
local put = require 'define.put'

return function(board, args)
  return put.apply(board, args, true)
end
