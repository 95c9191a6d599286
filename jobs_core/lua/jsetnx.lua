#!lua
--[[ JSETNX board id runner payload [option value …]

  Create a job. Fails with EXISTS if the job exists. Takes the options of JSET but if-match.

    FCALL JSETNX 1 {jobs} tick shell 'echo hi' every 5

  Returns the next run in ms since the epoch, or 0 if the job runs only when pushed or after others.
  Errors: JOBS AGAIN, JOBS EXISTS, JOBS OPTION, JOBS PAYLOAD.
--]]
local put = require 'define.put'

return function(board, args)
  return put.apply(board, args, true, 'put')
end
