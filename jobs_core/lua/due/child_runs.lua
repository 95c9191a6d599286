-- Queues runs of jobs that wait for others.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local dependencies = require 'define.dependencies'
local ended_jobs = require 'define.ended_jobs'
local overlap_rule = require 'due.overlap_rule'
local parent_endings = require 'due.parent_endings'
local waiting = require 'due.waiting'
local packed_job = require 'job.packed_job'
local counters = require 'ledger.counters'
local skipped = require 'ledger.skipped'
local bad_records = require 'queue.bad_records'
local lanes = require 'queue.lanes'
local lengths = require 'queue.lengths'
local open_runs = require 'queue.open_runs'
local queues = require 'queue.queues'
local records = require 'queue.records'
local timers = require 'queue.timers'

local child_runs = {}

local MAX_EXPIRED = 100  -- deadlines per tick
local MAX_BYTES = 1048576  -- bytes of jobs that one tick reads for them

local function count_down(board, id, head, body, time)
  head.left = head.left - 1
  redis.call('HSET', key(board, 'job'), id, packed_job.pack(head, body))
  if head.left > 0 then return end
  redis.call('ZREM', key(board, 'schedule'), id)
  ended_jobs.note(board, { id }, time)
end

-- Queue a run, or skip it by the rules of its job and queue. Its id has `due` (ms) and the suffix after the @, and `parents`
-- is the JSON list that it carries.
function child_runs.queue(board, id, head, body, due, suffix, time, parents)
  local moment = digits(due) .. suffix
  if overlap_rule.allowed_runs(board, id, head.overlap, time) == 0 then
    return skipped.record(board, id, due, moment, 'overlap', time)
  end
  if lengths.room(board, head.queue or head.runner, head.runner, id) == 0 then
    return skipped.record(board, id, due, moment, 'full', time)
  end
  if head.left then count_down(board, id, head, body, time) end
  if head.overlap then open_runs.add(board, id, id .. '@' .. moment) end
  local lane = lanes.name(head.queue or head.runner, head.priority)
  local carried = parent_endings.add_to_body(body, parents)
  queues.append(board, lane, { records.new(id, moment, lane, head.runner, head.flags or '', carried) })
  counters.add(board, 'due', 1)
  counters.add(board, 'queued', 1)
end

-- A job whose last occurrence stopped waiting has ended.
local function note_ended(board, id, time)
  if not redis.call('ZSCORE', key(board, 'schedule'), id) then ended_jobs.note(board, { id }, time) end
end

-- Queue the occurrence that waits, with the parents that have ended.
function child_runs.queue_waiting(board, id, head, body, due, time)
  waiting.finish(board, id)
  child_runs.queue(board, id, head, body, due, '', time, parent_endings.take(board, id, head.after))
  note_ended(board, id, time)
end

-- Run or skip the occurrence that waits, because its deadline has come.
function child_runs.end_waiting(board, id, head, body, due, time)
  if head.at_deadline == 'run' then return child_runs.queue_waiting(board, id, head, body, due, time) end
  waiting.skip(board, id, 'parents', time)
  parent_endings.forget_until(board, id, head.after, due)
  note_ended(board, id, time)
end

-- Handle a deadline. Returns the bytes read.
local function expire(board, id, now)
  local packed, due = redis.call('HGET', key(board, 'job'), id), waiting.due(board, id)
  local head, body
  if packed then head, body = packed_job.unpack(packed) end
  if head and due and dependencies.has_time(head) then
    child_runs.end_waiting(board, id, head, body, due, now)
  else
    if packed and not head then bad_records.set_aside(board, 'job', packed, id) end
    waiting.skip(board, id, 'unreadable')
    waiting.finish(board, id)
  end
  return packed and #packed or 0
end

-- Run or skip the occurrences whose deadline has come, some per tick. Returns how many.
function child_runs.expire_waiting(board, now, limit)
  if redis.call('EXISTS', key(board, 'waiting')) == 0 then return 0 end
  local due, bytes, n = timers.due(board, 'waiting', now, math.min(limit, MAX_EXPIRED)), 0, 0
  for i = 1, #due, 2 do
    if bytes >= MAX_BYTES then break end
    bytes = bytes + expire(board, due[i], now)
    n = n + 1
  end
  return n
end

return child_runs
