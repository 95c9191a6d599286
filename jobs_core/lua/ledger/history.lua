-- `{b}:history` is a stream of what happened to tasks. It keeps about the last 10,000 entries. Large ones are also bounded
-- in bytes: `{b}:history:large` lists them with their sizes, and `history_large` in `{b}:stats` has the sum.

local key = require('base.keys').key
local retention = require 'ledger.retention'

local history = {}

local MAX_ENTRIES = '10000'
local LARGE = 1024  -- bytes from which an entry counts as large
local SHED = 1000  -- large entries that one entry pushes out at most

local function size_of(fields)
  local size = 0
  for i = 1, #fields do size = size + (type(fields[i]) == 'string' and #fields[i] or 8) end
  return size
end

-- The two numbers of an id in a stream.
local function split_entry(id)
  local ms, n = id:match('^(%d+)-(%d+)')
  return tonumber(ms), tonumber(n)
end

local function is_before(id, other)
  local ms, n = split_entry(id)
  local other_ms, other_n = split_entry(other)
  return ms < other_ms or ms == other_ms and n < other_n
end

-- The oldest entry of the stream: some were trimmed since they were listed.
local function oldest(board)
  local entries = redis.call('XRANGE', key(board, 'history'), '-', '+', 'COUNT', 1)
  return entries[1] and entries[1][1] or '0-0'
end

-- Trim the stream up to the oldest large entries, until the others fit.
local function trim_large(board, total, bound)
  local list, first, freed, last = key(board, 'history:large'), oldest(board), 0, nil
  for _, entry in ipairs(redis.call('LRANGE', list, 0, SHED - 1)) do
    local id, size = entry:match('^(%S+) (%d+)$')
    local is_gone = is_before(id, first)
    if not is_gone and total - freed <= bound then break end
    redis.call('LPOP', list)
    freed = freed + size
    last = not is_gone and id or last
  end
  if freed > 0 then redis.call('HINCRBY', key(board, 'stats'), 'history_large', -freed) end
  if last then
    local ms, n = last:match('^(%d+)-(%d+)$')
    redis.call('XTRIM', key(board, 'history'), 'MINID', ms .. '-' .. n + 1)
  end
end

local function note_large(board, id, size)
  redis.call('RPUSH', key(board, 'history:large'), id .. ' ' .. size)
  local total = redis.call('HINCRBY', key(board, 'stats'), 'history_large', size)
  trim_large(board, total, retention.bound(board, 'history-bytes') or math.huge)
end

-- Add an entry to the board's history.
function history.append(board, task, attempt, what, fields)
  local id = redis.call('XADD', key(board, 'history'), 'MAXLEN', '~', MAX_ENTRIES, '*',
    'task', task, 'attempt', attempt, 'what', what, unpack(fields))
  local size = size_of(fields)
  if size >= LARGE then note_large(board, id, size) end
end

return history
