#!lua
--[[ JTICK board [limit n] [now time]

  Move what is due to its queues: up to `limit` (500 unless given, at most 1000) occurrences of jobs, as many delayed
  tasks, as many tasks held by a rate, and some tasks whose lease has lapsed. Their attempt is lost, and the worker that
  takes them next asks their policy. A task that is lost too often (`losses`) becomes a dead letter. Any number of
  clients may tick. A late job runs once, and the ledger counts the other occurrences it missed as coalesced. While a
  board file is being put in place, nothing is due: see JAPPLY.

    FCALL JTICK 1 {jobs}
      1) (integer) 3                 how many were moved
      2) (integer) 1763900005000     when there is more to do, in ms since the epoch; 0: not in sight
      3) (integer) 1763900000123     the time now, to work out how long to wait
  Errors: JOBS AGAIN, JOBS OPTION.
--]]
local apply_state = require 'base.apply_state'
local arguments = require 'base.arguments'
local key = require('base.keys').key
local digits = require('base.numbers').digits
local ended_jobs = require 'define.ended_jobs'
local clock_check = require 'due.clock_check'
local dependents = require 'due.dependents'
local due_jobs = require 'due.due_jobs'
local dead_letters = require 'ending.dead_letters'
local endings = require 'ending.endings'
local events = require 'ending.events'
local counters = require 'ledger.counters'
local release = require 'limit.release'
local throttled = require 'limit.throttled'
local attempts = require 'queue.attempts'
local bad_records = require 'queue.bad_records'
local lanes = require 'queue.lanes'
local queues = require 'queue.queues'
local records = require 'queue.records'
local timers = require 'queue.timers'
local instant = require 'time.instant'

local BYTES = 1048576  -- payloads may be large: each kind of move ends once it has copied this many
local EXPIRED = 100  -- dead letters, or jobs, that one tick removes at most
local LAPSES = 100  -- leases that one tick ends at most
local LOSSES = 5  -- how often a task may be lost, unless its job says otherwise

-- The records of the tasks in a set whose time has come, as far as a tick may copy them.
-- Returns { ticket, record, lane } triples, the earliest first.
local function due_records(board, set, now, limit)
  local due, found, bytes = timers.due(board, set, now, limit), {}, 0
  for i = 1, #due, 2 do
    if bytes >= BYTES then break end
    local record = redis.call('HGET', key(board, 'task'), due[i])
    local task = records.read(record)
    if task then
      found[#found + 1] = { due[i], record, task.lane }
      bytes = bytes + #record
    else
      bad_records.set_aside(board, set, record, due[i])
      redis.call('ZREM', key(board, set), due[i])
      redis.call('HDEL', key(board, 'task'), due[i])
    end
  end
  return found
end

local function is_poison(task)
  return attempts.count_lost(task) >= (task.options.losses or LOSSES)
end

-- A lease has lapsed: its holder fell silent, or, if the task was accepted, no answer came. Returns how large it is.
local function lapse(board, token, now)
  local task, cancelled = endings.end_lease(board, token, true)
  if not task then return 0 end
  local attempt, accepted = task.attempt, attempts.current(task) == 'accepted'
  local status, code, note = 'lost', 'lost', nil
  if accepted then status, code, note = 'failed', 'timeout', 'no answer came in time' end
  counters.add_for_job(board, records.job_of(task.id), status, 1)
  events.record(board, task, attempt, status, accepted and { 'note', note, 'code', code } or {})
  attempts.close(task, status .. '?', now, code, note)
  if cancelled then
    endings.complete(board, token, task, 'cancelled', now)
    events.record(board, task, attempt, 'cancelled', {})
  elseif is_poison(task) then
    endings.give_up(board, token, task, now)
    release.free_slot(board, task)
    events.record(board, task, attempt, 'dead', { 'note', 'lost too often', 'code', 'lost' })
  else
    task.attempt = attempt + 1
    queues.put_back(board, token, task, 0, now)
  end
  return #task.body
end

-- Each goes to the front of its lane, before the one before it: so the latest come first, that the earliest end up
-- in front, also when it takes several ticks.
local function return_lapsed(board, now, limit)
  local tokens = redis.call('ZRANGE', key(board, 'leased'), digits(now), '-inf', 'BYSCORE', 'REV',
    'LIMIT', 0, math.min(limit, LAPSES))
  local ended, bytes = 0, 0
  while ended < #tokens and bytes < BYTES do
    ended = ended + 1
    bytes = bytes + lapse(board, tokens[ended], now)
  end
  return ended
end

-- Tasks that were to wait, for a retry or a time of their own, join their queue.
local function queue_delayed(board, now, limit)
  local delayed = due_records(board, 'delayed', now, limit)
  for _, pair in ipairs(delayed) do
    local ticket, record, lane = unpack(pair)
    redis.call('HDEL', key(board, 'task'), ticket)
    redis.call('ZREM', key(board, 'delayed'), ticket)
    queues.append(board, lane, { record })
  end
  return #delayed
end

-- A limit's gate opens. Returns how many moved.
local function open_gate(board, name, now, most)
  redis.call('ZREM', key(board, 'gates'), name)
  if name:find('^queue:') then
    release.wake_queue(board, name:sub(7))
    return 0
  end
  local moved, limit = throttled.recheck(board, name, now, most)
  if redis.call('EXISTS', key(board, 'held:' .. name)) == 0 then return moved end
  -- What has moved has not started yet: look again when as many as may start could have.
  if limit.n and moved > 0 then limit.at = math.max(limit.at, now + limit.period / limit.n) end
  if limit.slots > 0 then timers.set(board, 'gates', name, limit.at or now) end
  return moved
end

local function open_gates(board, now, limit)
  local due, moved = timers.due(board, 'gates', now, 100), 0
  for i = 1, #due, 2 do moved = moved + open_gate(board, due[i], now, math.min(limit, 100)) end
  return moved
end

-- The room that came up under a limit may be for a task that nobody takes. So a few limits, at random, are looked at:
-- one that holds tasks while nothing runs lets in more than it has room for, and JPOP holds again what is too much.
local function free_idle_limits(board, now)
  local moved = 0
  for _, name in ipairs(redis.call('SRANDMEMBER', key(board, 'held'), 10)) do
    local waits = redis.call('ZSCORE', key(board, 'gates'), name)
    if not waits and redis.call('SCARD', key(board, 'running:' .. name)) == 0 then
      moved = moved + throttled.admit(board, name, 50, now, true)
    end
  end
  return moved
end

local function earliest(board, now)
  if redis.call('EXISTS', key(board, 'follow')) == 1 then return now end
  local time = math.huge
  for _, set in ipairs({ 'schedule', 'delayed', 'leased', 'gates' }) do
    local first = redis.call('ZRANGE', key(board, set), 0, 0, 'WITHSCORES')
    if first[2] then time = math.min(time, tonumber(first[2])) end
  end
  return time < math.huge and time or 0
end

return function(board, args)
  local options = arguments.read_options(args, 1, { limit = true, now = true })
  local limit = math.min(arguments.whole_number('limit', options.limit or '500', 1), 1000)
  local now = instant.now(options)
  apply_state.require_no_pending_apply(board)
  local is_realigning = clock_check.run(board, now)
  local moved = free_idle_limits(board, now)
    + return_lapsed(board, now, limit)
    + queue_delayed(board, now, limit)
    + open_gates(board, now, limit)
    + due_jobs.queue(board, now, limit)
  if moved > 0 then clock_check.note(board, now) end
  dead_letters.purge_excess(board, EXPIRED)
  dead_letters.purge_old(board, now, EXPIRED)
  ended_jobs.expire(board, now, EXPIRED)
  dependents.queue_ready(board)
  lanes.forget_unused(board)
  return { moved, is_realigning and now or earliest(board, now), now }
end
