#!lua
--[[ JOUTPUT board token stream line [stream line …]

  Keep lines that a task has printed, if its option `keep` says so: in the stream `{b}:output:<task id>`, where JACK adds
  how it ended. Each comes with the stream it was printed to, such as stdout. The stream `missing` has a number instead of
  a line: that many lines were left out here. The last 10,000 are kept, up to 1 MiB in all or as the option `keep-bytes`
  says, until `keep` is over after the last of them. Of a line above that bound, the end is kept. Pass on no more than
  some hundred lines at once.

    FCALL JOUTPUT 1 {jobs} push:7@1763900005000#9 stdout 'hello' missing 120 stderr 'no such file'
    XRANGE {jobs}:output:push:7@1763900005000 - +

  The second part of an entry's id counts what the task has printed, from 1. Where it skips numbers, lines are missing.

  Returns how many were kept: 0 when the token no longer holds its task, or nothing is to be kept.
  Errors: JOBS OPTION.
--]]
local fail = require('base.errors').fail
local key = require('base.keys').key
local arguments = require 'base.arguments'
local leases = require 'queue.leases'
local output = require 'ending.output'

-- The entries for pairs of stream and line, and how many of them are lines.
local function read_entries(args)
  local entries, lines = {}, 0
  for i = 2, #args, 2 do
    if args[i] == 'missing' then
      entries[#entries + 1] = arguments.whole_number('missing', args[i + 1], 1)
    else
      entries[#entries + 1], lines = { 'stream', args[i], 'line', args[i + 1] }, lines + 1
    end
  end
  return entries, lines
end

return function(board, args)
  local token = args[1] or ''
  if #args < 3 or #args % 2 == 0 then fail('OPTION', 'JOUTPUT expects a token, then pairs of stream and line') end
  local entries, lines = read_entries(args)
  if not redis.call('ZSCORE', key(board, 'leased'), token) then return 0 end
  local task = leases.find(board, token)
  local period = task and output.period(task)
  if not period then return 0 end
  output.append(board, task, period, entries)
  return lines
end
