#!lua
--[[ JOUTPUT board token stream line [stream line …]

  Keep lines that a task has printed, if its option `keep` says so: in the stream `{b}:output:<task id>`, where JACK adds
  how it ended. Each comes with the stream it was printed to, such as stdout. About the last 10,000 are kept, until `keep`
  is over after the last of them. Pass on no more than some hundred lines at once.

    EVALSHA <JOUTPUT> 1 {jobs} push:7@1763900005000#9 stdout 'hello' stderr 'no such file'
    XRANGE {jobs}:output:push:7@1763900005000 - +

  Answers how many were kept: 0 when the token no longer holds its task, or nothing is to be kept.
  Errors: JOBS OPTION.
--]]
--- @include "command"
--- @include "fail"
--- @include "kept"

return command(function()
  local board, token = KEYS[1], ARGV[1] or ''
  if #ARGV < 3 or #ARGV % 2 == 0 then fail('OPTION', 'JOUTPUT takes a token, and pairs of stream and line') end
  if not redis.call('ZSCORE', key(board, 'leased'), token) then return 0 end
  local task = read_record(redis.call('HGET', key(board, 'task'), token))
  local period = kept_for(task)
  if not period then return 0 end
  for i = 2, #ARGV, 2 do keep_entry(board, task, period, 'stream', ARGV[i], 'line', ARGV[i + 1]) end
  return (#ARGV - 1) / 2
end)
