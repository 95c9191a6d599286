#!lua
--[[ JOUTPUT board token stream line [stream line …]

  Store lines that a task has printed, if the task has the option `keep`. They go to the stream `{b}:output:<task id>`,
  each with the name of its output stream, such as stdout. The name `missing` takes a number instead of a line: that many
  lines were left out here. JACK adds how the task ended. The last 10,000 entries are kept, up to 1 MiB or the option
  `keep-bytes`, for `keep` after the last one. A line above that limit keeps its end. Pass at most a few hundred lines at
  once.

    FCALL JOUTPUT 1 {jobs} push:7@1763900005000#9 stdout 'hello' missing 120 stderr 'no such file'
    XRANGE {jobs}:output:push:7@1763900005000 - +

  The second part of an entry's id counts the printed entries from 1. Where it skips numbers, lines are missing.

  Returns how many lines were stored: 0 if the token no longer holds its task, or the task has no `keep`.
  Errors: JOBS OPTION.
--]]
local fail = require('base.errors').fail
local key = require('base.keys').key
local arguments = require 'base.arguments'
local leases = require 'queue.leases'
local output = require 'ending.output'

-- Return the entries for pairs of stream and line, and the number of lines.
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
