-- A job with a time and parents queues an occurrence once its parents have ended. One that is due earlier waits for them:
-- `{b}:waiting` sorts such jobs by the deadline (ms, or inf), and `{b}:waiting:due` has when the occurrence was due. The
-- ledger counts it as due when it stops waiting. At most one occurrence of a job waits, because each deadline is at the
-- latest the next occurrence.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local skipped = require 'ledger.skipped'
local timers = require 'queue.timers'

local waiting = {}

-- Return the deadline of the occurrence at `due`: by the option, and at the latest when the next one comes or the job stops.
function waiting.deadline(head, due, following)
  return math.min(head.deadline and due + head.deadline or math.huge, following or math.huge, head.stop or math.huge)
end

function waiting.begin(board, id, due, deadline)
  redis.call('HSET', key(board, 'waiting:due'), id, digits(due))
  timers.set(board, 'waiting', id, deadline)
end

-- Return when the waiting occurrence of a job was due (ms), or nothing if none waits.
function waiting.due(board, id)
  return tonumber(redis.call('HGET', key(board, 'waiting:due'), id) or nil)
end

-- Return the deadline of the waiting occurrence, or nothing if it has none.
function waiting.deadline_of(board, id)
  local deadline = tonumber(redis.call('ZSCORE', key(board, 'waiting'), id) or nil)
  return deadline and deadline < math.huge and deadline or nil
end

function waiting.finish(board, id)
  redis.call('ZREM', key(board, 'waiting'), id)
  redis.call('HDEL', key(board, 'waiting:due'), id)
end

-- Skip the waiting occurrence of a job, if there is one. `now` is as in skipped.record. Returns when it was due, or nothing.
function waiting.skip(board, id, why, now)
  local due = waiting.due(board, id)
  if not due then return nil end
  waiting.finish(board, id)
  skipped.record(board, id, due, digits(due), why, now)
  return due
end

return waiting
