-- Streams of what happened, bounded in number and bytes. A stream keeps about as many entries as it may. Large ones are also
-- bounded in bytes: `{b}:<stream>:large` lists them with their sizes, and `<stream>_large` in `{b}:stats` has the sum.

local key = require('base.keys').key
local retention = require 'ledger.retention'

local bounded_stream = {}

local LARGE = 1024  -- bytes from which an entry counts as large
local SHED = 1000  -- large entries that one entry pushes out at most

-- The two numbers of an id in a stream.
local function split_entry(id)
  local ms, n = id:match('^(%d+)-(%d+)')
  return tonumber(ms), tonumber(n)
end

-- Whether an id comes before another.
function bounded_stream.is_before(id, other)
  local ms, n = split_entry(id)
  local other_ms, other_n = split_entry(other)
  return ms < other_ms or ms == other_ms and n < other_n
end

-- The oldest entry of the stream: some were trimmed since they were listed.
local function oldest(board, stream)
  local entries = redis.call('XRANGE', key(board, stream), '-', '+', 'COUNT', 1)
  return entries[1] and entries[1][1] or '0-0'
end

-- Trim the stream up to the oldest large entries, until the others fit.
local function trim_large(board, stream, total, bound)
  local list, first, freed, last = key(board, stream .. ':large'), oldest(board, stream), 0, nil
  for _, entry in ipairs(redis.call('LRANGE', list, 0, SHED - 1)) do
    local id, size = entry:match('^(%S+) (%d+)$')
    local is_gone = bounded_stream.is_before(id, first)
    if not is_gone and total - freed <= bound then break end
    redis.call('LPOP', list)
    freed = freed + size
    last = not is_gone and id or last
  end
  if freed > 0 then redis.call('HINCRBY', key(board, 'stats'), stream .. '_large', -freed) end
  if last then
    local ms, n = last:match('^(%d+)-(%d+)$')
    redis.call('XTRIM', key(board, stream), 'MINID', ms .. '-' .. n + 1)
  end
end

-- Note that an entry of this many bytes was added. `<stream>-bytes` is the bound of the large ones together.
function bounded_stream.note_size(board, stream, id, size)
  if size < LARGE then return end
  redis.call('RPUSH', key(board, stream .. ':large'), id .. ' ' .. size)
  local total = redis.call('HINCRBY', key(board, 'stats'), stream .. '_large', size)
  trim_large(board, stream, total, retention.bound(board, stream .. '-bytes') or math.huge)
end

return bounded_stream
