-- Records that cannot be read as a task or a job are set aside, so that they do not block others. `{b}:bad` is a stream
-- of about the last 1,000, each with the place it was found in and its first bytes. `bad` in `{b}:stats` counts them.

local key = require('base.keys').key

local bad_records = {}

local MAX_ENTRIES, MAX_BYTES = 1000, 1024

-- Record a bad record from a place, such as queue or job. The caller removes it from there.
function bad_records.set_aside(board, place, record, id)
  record = record or ''
  redis.call('HINCRBY', key(board, 'stats'), 'bad', 1)
  redis.call('XADD', key(board, 'bad'), 'MAXLEN', '~', MAX_ENTRIES, '*',
    'place', place, 'id', id or '', 'bytes', #record, 'record', record:sub(1, MAX_BYTES))
end

return bad_records
