-- `{b}:history` is a stream of what happened to tasks. It keeps about the last 10,000 entries.

local key = require('base.keys').key
local bounded_stream = require 'ledger.bounded_stream'

local history = {}

local MAX_ENTRIES = '10000'

local function size_of(fields)
  local size = 0
  for i = 1, #fields do size = size + (type(fields[i]) == 'string' and #fields[i] or 8) end
  return size
end

-- Add an entry to the board's history.
function history.append(board, task, attempt, what, fields)
  local id = redis.call('XADD', key(board, 'history'), 'MAXLEN', '~', MAX_ENTRIES, '*',
    'task', task, 'attempt', attempt, 'what', what, unpack(fields))
  bounded_stream.note_size(board, 'history', id, size_of(fields))
end

-- Add the entries of first attempts that are done without a word to it, as most are. `name` is the key. Call `append`
-- for some, which trims the stream.
function history.append_done(name, task)
  redis.call('XADD', name, '*', 'task', task, 'attempt', '1', 'what', 'done')
end

return history
