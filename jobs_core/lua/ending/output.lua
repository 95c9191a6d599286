-- `{b}:output:<task>` is a stream of what a task prints and how it ended, for jobs with the option `keep`. The second part
-- of an entry's id counts the entries, from 1. Where it skips numbers, entries are missing: the worker left them out, or
-- they were trimmed. `{b}:printed:<task>` has the size of the stream in bytes, and the last number and time.

local clock = require 'base.clock'
local key = require('base.keys').key
local digits = require('base.numbers').digits
local strings = require 'base.strings'

local output = {}

local MAX_BYTES = 1048576  -- unless the task has keep-bytes
local MAX_ENTRIES = 10000
local PAGE = 100

-- Return how long the output of a task is kept, in ms, or nothing if it is not.
function output.period(task)
  local keep = task.options.keep
  return keep and keep * 1000
end

local function size_of(fields)
  local size = 0
  for i = 1, #fields do size = size + #tostring(fields[i]) end
  return size
end

-- Return the size of the stream in bytes, its last number, and the time for the next entry.
local function read_state(name, printed)
  local bytes, number, ms = (redis.call('GET', printed) or ''):match('^(%d+) (%d+) (%d+)$')
  if not bytes then
    local newest = redis.call('XREVRANGE', name, '+', '-', 'COUNT', 1)[1]
    ms, number = (newest and newest[1] or '0-0'):match('^(%d+)-(%d+)$')
  end
  return tonumber(bytes or 0), tonumber(number), math.max(tonumber(ms), clock.now())
end

-- Remove the oldest entries above `most` bytes or MAX_ENTRIES. Returns the size of the rest.
local function trim(name, bytes, most)
  local surplus = redis.call('XLEN', name) - MAX_ENTRIES
  while bytes > most or surplus > 0 do
    local page, removed = redis.call('XRANGE', name, '-', '+', 'COUNT', PAGE), {}
    if #page == 0 then return 0 end
    for i = 1, #page do
      if bytes <= most and surplus <= 0 then break end
      bytes, surplus, removed[i] = bytes - size_of(page[i][2]), surplus - 1, page[i][1]
    end
    redis.call('XDEL', name, unpack(removed))
  end
  return bytes
end

-- Cut the beginning of a line that is larger than `most` bytes.
local function bounded(fields, most)
  local over = size_of(fields) - most
  if over > 0 and fields[3] == 'line' then fields[4] = strings.cut_start(fields[4], #fields[4] - over) end
  return fields
end

-- Add entries to the output of a task. An entry is a list of fields, or a number of lines that a worker left out.
function output.append(board, task, period, entries)
  local name, printed = key(board, 'output:' .. task.id), key(board, 'printed:' .. task.id)
  local most = task.options['keep-bytes'] or MAX_BYTES
  local bytes, number, ms = read_state(name, printed)
  for i = 1, #entries do
    local entry = entries[i]
    if type(entry) == 'number' then
      number = number + entry
    else
      number = number + 1
      bounded(entry, most)
      bytes = bytes + size_of(entry)
      redis.call('XADD', name, digits(ms) .. '-' .. digits(number), unpack(entry))
    end
  end
  local state = table.concat({ digits(trim(name, bytes, most)), digits(number), digits(ms) }, ' ')
  redis.call('SET', printed, state, 'PX', digits(period))
  redis.call('PEXPIRE', name, digits(period))
end

return output
