local key = require('base.keys').key

local history = {}

local MAX_ENTRIES = '10000'

-- Add an entry to the board's history, a stream of about the last 10,000 entries.
function history.append(board, task, attempt, what, fields)
  redis.call('XADD', key(board, 'history'), 'MAXLEN', '~', MAX_ENTRIES, '*',
    'task', task, 'attempt', attempt, 'what', what, unpack(fields))
end

return history
