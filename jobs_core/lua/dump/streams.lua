-- What a dump has of streams: the history, the changes, and the output that is kept of tasks. As an item: the id of an entry,
-- and its fields.

local clock = require 'base.clock'
local cursors = require 'base.cursors'
local fail_option = require('base.errors').fail_option
local key = require('base.keys').key
local digits = require('base.numbers').digits
local bounded_stream = require 'ledger.bounded_stream'

local streams = {}

local COUNT, BYTES = 20, 262144  -- entries of one read, and about the bytes of a page

local function field_of(fields, name)
  for i = 1, #fields, 2 do
    if fields[i] == name then return fields[i + 1] end
  end
end

-- Return the id of the first job of a change, or an empty text.
local function first_job(fields)
  local ids, packed = field_of(fields, 'ids'), field_of(fields, 'jobs')
  if not packed then return (ids or ''):match('^%S*') end
  local is_read, jobs = pcall(cmsgpack.unpack, packed)
  local first = is_read and jobs[1] or ''
  return type(first) == 'table' and first[1] or first
end

-- The id that an entry belongs to.
local OWNERS = {
  history = function(fields) return field_of(fields, 'task') or '' end,
  changes = first_job,
}

local function size_of(fields)
  local size = 0
  for i = 1, #fields do size = size + #fields[i] end
  return size
end

-- Read entries after an id, until a page is full. Returns them, and the last id; nothing at the end.
local function read_after(name, last)
  local found, bytes = {}, 0
  while bytes < BYTES do
    local entries = redis.call('XRANGE', name, last == '0' and '-' or '(' .. last, '+', 'COUNT', COUNT)
    for _, entry in ipairs(entries) do
      found[#found + 1], bytes, last = entry, bytes + size_of(entry[2]) + 64, entry[1]
    end
    if #entries < COUNT then return found, nil end
  end
  return found, last
end

local function check_cursor(cursor)
  if cursor ~= '0' and not cursors.is_entry(cursor) then cursors.reject('cursor', cursor) end
end

-- Return a page of `history` or `changes`, and the next cursor.
function streams.page(board, what, cursor)
  check_cursor(cursor)
  local items = {}
  local entries, last = read_after(key(board, what), cursor)
  for _, entry in ipairs(entries) do
    items[#items + 1] = { what, OWNERS[what](entry[2]), entry[1], unpack(entry[2]) }
  end
  return items, last or '0'
end

-- Read the output of a task after an entry: see ending/output.lua. The last item has the state, and when all of it expires.
function streams.read_output(board, task, cursor)
  check_cursor(cursor)
  local name, printed = key(board, 'output:' .. task), key(board, 'printed:' .. task)
  local entries, last = read_after(name, cursor)
  local items = {}
  for i, entry in ipairs(entries) do items[i] = { 'output', task, entry[1], unpack(entry[2]) } end
  if last then return items, last end
  local state, left = redis.call('GET', printed), redis.call('PTTL', name)
  if state and left > 0 then items[#items + 1] = { 'printed', task, state, digits(clock.now() + left) } end
  return items, nil
end

-- Add an entry under its id. One that is not later than the last gets the time of the last.
local function append(name, values)
  if #values < 3 or #values % 2 == 0 or not cursors.is_entry(values[1]) then
    fail_option('item', 'expected the id of an entry and its fields, got other words')
  end
  local id = redis.pcall('XADD', name, unpack(values))
  if type(id) == 'string' then return id end
  local last = redis.call('XREVRANGE', name, '+', '-', 'COUNT', 1)[1][1]
  return redis.call('XADD', name, last:match('^%d+') .. '-*', unpack(values, 2))
end

function streams.write_history(board, _, values)
  bounded_stream.note_size(board, 'history', append(key(board, 'history'), values), size_of(values))
end

-- Forget, once, what the load itself has changed so far: the changes of the dump take its place.
function streams.begin_changes(board)
  if redis.call('HSETNX', key(board, 'load'), 'changes', 1) == 0 then return end
  redis.call('DEL', key(board, 'changes'), key(board, 'changes:large'))
  redis.call('HDEL', key(board, 'stats'), 'changes_large')
end

function streams.write_changes(board, _, values)
  streams.begin_changes(board)
  bounded_stream.note_size(board, 'changes', append(key(board, 'changes'), values), size_of(values))
end

-- The same output may be in a dump twice: that of a run in the history of its job, and in that of the board.
function streams.write_output(board, task, values)
  local name = key(board, 'output:' .. task)
  local last = redis.call('XREVRANGE', name, '+', '-', 'COUNT', 1)[1]
  local ms, n = (values[1] or ''):match('^(%d+)%-(%d+)$')
  if last and n and not bounded_stream.is_before(last[1], ms .. '-' .. n) then return end
  append(name, values)
end

function streams.write_printed(board, task, values)
  local state, expires = unpack(values, 1, 2)
  if not (expires and state:find('^%d+ %d+ %d+$') and expires:find('^%d+$')) then
    fail_option('item', 'expected a state and a time, got other words')
  end
  redis.call('SET', key(board, 'printed:' .. task), state, 'PXAT', expires)
  redis.call('PEXPIREAT', key(board, 'output:' .. task), expires)
end

return streams
