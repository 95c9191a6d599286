-- Tasks in the hands of workers. `{b}:leased` has their tokens by the end of their leases, in ms, and `{b}:task` each of
-- them under its token: a line that says who has had it since when (see attempts.lua), LF, and its record.

local key = require('base.keys').key
local records = require 'queue.records'

local leases = {}

-- Returns the task that is kept under a token, with the attempt under way in `current`.
function leases.read(stored)
  local current, record = stored:match('^([^\n]*)\n()')
  local task = records.read(stored:sub(record))
  task.current = current
  return task
end

-- Returns the id of a task that is kept under a token, and whether this is a first attempt of a task without flags.
function leases.glance(stored)
  local first, id = stored:match('^[^\n]*\n(%w+)\n([^\n]*)\n')
  return id, first == '1'
end

function leases.write(task)
  return task.current .. '\n' .. records.write(task)
end

function leases.find(board, token)
  return leases.read(redis.call('HGET', key(board, 'task'), token))
end

return leases
