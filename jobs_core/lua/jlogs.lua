#!lua flags=no-writes
--[[ JLOGS board task [task …]

  Read the end of what tasks printed, up to a hundred tasks at once. For each attempt there is a line a<attempt>, then the
  lines that it printed, each after o (standard output) or e (standard error). Where the beginning was cut, the text begins
  with an ellipsis. JRETAIN says how much is kept; all of the output of a task with `keep` is in the stream that JOUTPUT
  describes.

    FCALL_RO JLOGS 1 {jobs} tick@1763900005000
      1) "a1\nohello\neno such file"

  Returns a list, with a null for each task of which nothing is kept.
  Errors: JOBS OPTION.
--]]
local fail = require('base.errors').fail
local key = require('base.keys').key

local MOST = 100

return function(board, args)
  if #args == 0 or #args > MOST then fail('OPTION', 'JLOGS expects 1 to ' .. MOST .. ' task ids, got ' .. #args) end
  return redis.call('HMGET', key(board, 'tails'), unpack(args))
end
