#!lua
--[[ JOUTPUT board token stream line [stream line …]

  Store lines that a task has printed, if the task has the option `keep`. They go to the stream `{b}:output:<task id>`,
  each with the name of its output stream, such as stdout. JACK adds how the task ended. About the last 10,000 entries are
  kept, for `keep` after the last one. Pass at most a few hundred lines at once.

    FCALL JOUTPUT 1 {jobs} push:7@1763900005000#9 stdout 'hello' stderr 'no such file'
    XRANGE {jobs}:output:push:7@1763900005000 - +

  Returns how many lines were stored: 0 if the token no longer holds its task, or the task has no `keep`.
  Errors: JOBS OPTION.
--]]
local fail = require('base.errors').fail
local key = require('base.keys').key
local events = require 'ending.events'
local leases = require 'queue.leases'

return function(board, args)
  local token = args[1] or ''
  if #args < 3 or #args % 2 == 0 then fail('OPTION', 'JOUTPUT expects a token, then pairs of stream and line') end
  if not redis.call('ZSCORE', key(board, 'leased'), token) then return 0 end
  local task = leases.find(board, token)
  local period = task and events.output_period(task)
  if not period then return 0 end
  for i = 2, #args, 2 do events.append_output(board, task, period, 'stream', args[i], 'line', args[i + 1]) end
  return (#args - 1) / 2
end
