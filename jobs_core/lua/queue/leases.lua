-- Leased tasks. `{b}:leased` has their tokens, sorted by the end of their leases in ms. `{b}:task` has each
-- under its token: a line with the current attempt (see attempts.lua), LF, and its record.

local key = require('base.keys').key
local bad_records = require 'queue.bad_records'
local lanes = require 'queue.lanes'
local records = require 'queue.records'

local leases = {}

-- Return the task stored under a token, with its current attempt in `current`, or nothing if it cannot be read.
function leases.read(stored)
  if not stored then return nil end
  local current, record = stored:match('^(%l+ %d+ %S+ %S+ [^\n]*)\n()')
  local task = current and records.read(stored:sub(record))
  if task then task.current = current end
  return task
end

-- Return what most endings need of a stored task: its id, and the job and moment that the id consists of; since when (ms, as
-- text) it is leased, and by which worker. Also return whether this is a first attempt of a task without flags.
function leases.peek(stored)
  local since, worker, first, id, job, moment =
    stored:match('^%l+ (%d+) (%S+) [^\n]*\n(%w+)\n(([^\n]*)@(%d+%-?f?%d*))\n')
  return id and { id = id, job = job, moment = moment, since = since, worker = worker }, first == '1'
end

-- Return the queue of a stored task, or of the beginning of one; nothing if it ends before.
function leases.queue(stored)
  local lane = records.lane(stored, stored:find('\n', 1, true) + 1)
  return lane and (lanes.split(lane))
end

function leases.write(task)
  return task.current .. '\n' .. records.write(task)
end

-- Return the task of a token in `{b}:leased`. One that cannot be read is set aside, and its lease ends.
function leases.find(board, token)
  local stored = redis.call('HGET', key(board, 'task'), token)
  local task = leases.read(stored)
  if not task then
    bad_records.set_aside(board, 'leased', stored, token)
    redis.call('HDEL', key(board, 'task'), token)
    redis.call('ZREM', key(board, 'leased'), token)
  end
  return task
end

return leases
