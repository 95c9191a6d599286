#!lua
--[[ JTICK board [limit n] [now time]

  Move what is due to its queues: up to `limit` (default 500, at most 1000) occurrences of jobs, as many delayed
  tasks, as many tasks held by a rate, and some tasks whose lease has expired. Their attempt is lost, and the worker that
  takes them next asks their policy. Leases that ended while nobody ticked for several seconds are extended once, by 10
  seconds, because their workers could not renew them. A task that is lost too often (`losses`) becomes a dead letter. Any
  number of clients may tick. Jobs whose pause is over are scheduled again, up to 40 per call. An occurrence that waits for
  other jobs runs or is skipped at its deadline. A late job runs once, and the ledger counts the other occurrences it missed
  as coalesced. Alerts look for what is late, long, silent or unserved: see JALERT. While a board file is being put in
  place, nothing is due: see JAPPLY.

    FCALL JTICK 1 {jobs}
      1) (integer) 3                 how many were moved
      2) (integer) 1763900005000     when there is more to do, in ms since the epoch; 0: nothing is scheduled
      3) (integer) 1763900000123     the time now, to work out how long to wait
  On a partition, numbers of other partitions may follow: there are messages for these, see JOUTBOX.
  Errors: JOBS AGAIN, JOBS OPTION.
--]]
local apply_state = require 'base.apply_state'
local arguments = require 'base.arguments'
local confirmation = require 'base.confirmation'
local key = require('base.keys').key
local deadlines = require 'alert.deadlines'
local digits = require('base.numbers').digits
local backfill_steps = require 'backfill.steps'
local ended_jobs = require 'define.ended_jobs'
local pauses = require 'define.pauses'
local child_runs = require 'due.child_runs'
local clock_check = require 'due.clock_check'
local dependents = require 'due.dependents'
local due_jobs = require 'due.due_jobs'
local outages = require 'due.outages'
local dead_letters = require 'ending.dead_letters'
local endings = require 'ending.endings'
local events = require 'ending.events'
local counters = require 'ledger.counters'
local gaps = require 'ledger.gaps'
local hours = require 'ledger.hours'
local runs = require 'ledger.runs'
local lending = require 'limit.lending'
local release = require 'limit.release'
local throttled = require 'limit.throttled'
local waiters = require 'limit.waiters'
local links = require 'partition.links'
local outbox = require 'partition.outbox'
local recovery = require 'partition.recovery'
local attempts = require 'queue.attempts'
local bad_records = require 'queue.bad_records'
local lanes = require 'queue.lanes'
local queues = require 'queue.queues'
local records = require 'queue.records'
local timers = require 'queue.timers'
local instant = require 'time.instant'

local MAX_BYTES = 1048576  -- each kind of move stops after copying this many bytes
local MAX_EXPIRED = 100  -- dead letters, or ended jobs, that one tick removes
local MAX_EXPIRED_LEASES = 100  -- expired leases per tick
local PAUSE = 20  -- ms until runs that wait for a place are looked at again
local DEFAULT_LOSSES = 5  -- default of `losses`
local RELINK_PAUSE = 10  -- ms between ticks that only tell partitions links again

-- Read the due records of a set, up to MAX_BYTES. Returns { ticket, record, lane } triples, earliest first.
local function read_due_tasks(board, set, now, limit)
  local due, found, bytes = timers.due(board, set, now, limit), {}, 0
  for i = 1, #due, 2 do
    if bytes >= MAX_BYTES then break end
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
  return attempts.count_lost(task) >= (task.options.losses or DEFAULT_LOSSES)
end

-- End an expired lease. The worker has stopped renewing it, or an accepted task was not reported on in time. Returns the
-- size of the task in bytes.
local function expire_lease(board, token, now)
  local task, cancelled = endings.end_lease(board, token, true)
  if not task then return 0 end
  local attempt, current, _, worker = task.attempt, attempts.current(task)
  local accepted = current == 'accepted'
  local status, code, note = 'lost', 'lost', nil
  if accepted then status, code, note = 'failed', 'timeout', 'no answer came in time' end
  local fields = accepted and { 'note', note, 'code', code } or worker ~= '-' and { 'worker', worker } or {}
  counters.add_for_job(board, records.job_of(task.id), status, 1)
  hours.add(board, status, 1, now)
  events.record(board, task, attempt, status, fields)
  attempts.close(task, status .. '?', now, code, note)
  if cancelled then
    endings.cancel(board, token, task, now, { 'code', code, 'note', note })
    events.record(board, task, attempt, 'cancelled', {})
  elseif is_poison(task) then
    local reason = { 'note', 'lost too often', 'code', 'lost' }
    endings.give_up(board, token, task, now, reason)
    release.free_slot(board, task)
    events.record(board, task, attempt, 'dead', reason)
  else
    task.attempt = attempt + 1
    queues.requeue(board, token, task, 0, now)
  end
  return #task.body
end

-- Requeue the latest first. Each goes to the front of its lane, so the earliest ends up in front, even over several
-- ticks.
local function requeue_expired(board, now, limit)
  local tokens = redis.call('ZRANGE', key(board, 'leased'), digits(now), '-inf', 'BYSCORE', 'REV',
    'LIMIT', 0, math.min(limit, MAX_EXPIRED_LEASES))
  local ended, bytes = 0, 0
  while ended < #tokens and bytes < MAX_BYTES do
    ended = ended + 1
    bytes = bytes + expire_lease(board, tokens[ended], now)
  end
  return ended
end

-- Queue delayed tasks that are due: retries, and tasks with a time of their own.
local function queue_delayed(board, now, limit)
  local delayed = read_due_tasks(board, 'delayed', now, limit)
  for _, pair in ipairs(delayed) do
    local ticket, record, lane = unpack(pair)
    redis.call('HDEL', key(board, 'task'), ticket)
    redis.call('ZREM', key(board, 'delayed'), ticket)
    queues.put_back(board, lane, record)
  end
  return #delayed
end

-- Open the gate of a limit on a rate. Returns how many tasks moved.
local function open_gate(board, name, now, most)
  redis.call('ZREM', key(board, 'gates'), name)
  local opens = lending.open(board, name, now)
  if opens then timers.set(board, 'gates', name, opens) end
  if name:find('^queue:') then
    waiters.wake_queue(board, name:sub(7))
    return 0
  end
  local moved, limit = throttled.recheck(board, name, now, most)
  if redis.call('EXISTS', key(board, 'held:' .. name)) == 0 then return moved end
  -- The moved tasks have not started yet. Check again when that many may have started.
  if limit.n and limit.at and moved > 0 then limit.at = math.max(limit.at, now + limit.period / limit.n) end
  local at = math.min(limit.at or now, opens or math.huge)
  if limit.slots > 0 and not limit.is_lent then timers.set(board, 'gates', name, at) end
  return moved
end

local function open_gates(board, now, limit)
  local due, moved = timers.due(board, 'gates', now, 100), 0
  for i = 1, #due, 2 do moved = moved + open_gate(board, due[i], now, math.min(limit, 100)) end
  return moved
end

-- Room under a limit may have gone to a task that nobody takes. So check a few random limits: if one holds tasks while
-- nothing runs, admit more than it has room for. JPOP holds the excess again.
local function admit_idle(board, now)
  local moved = 0
  for _, name in ipairs(redis.call('SRANDMEMBER', key(board, 'held'), 10)) do
    local waits = redis.call('ZSCORE', key(board, 'gates'), name)
    if not (waits or lending.is_asking(board, name)) and redis.call('SCARD', key(board, 'running:' .. name)) == 0 then
      moved = moved + throttled.admit(board, name, 50, now, true)
    end
  end
  return moved
end

local function next_event(board, now)
  if redis.call('EXISTS', key(board, 'follow'), key(board, 'alerts:notices')) > 0 then return now end
  local time = redis.call('EXISTS', key(board, 'relink')) == 1 and now + RELINK_PAUSE or math.huge
  for _, set in ipairs({ 'schedule', 'delayed', 'leased', 'gates', 'resumes', 'waiting', 'backfilling', 'deadlines' }) do
    local first = redis.call('ZRANGE', key(board, set), 0, 0, 'WITHSCORES')
    if first[2] then time = math.min(time, tonumber(first[2])) end
  end
  return time < math.huge and time or 0
end

-- Return when to tick again. Runs that wait for a place in their queue are not worth a tick each time.
local function next_time(board, now, is_realigning, is_waiting)
  if is_realigning then return now end
  local time = next_event(board, now)
  return is_waiting and time > 0 and math.max(time, now + PAUSE) or time
end

return function(board, args)
  confirmation.skip()  -- what a tick writes is written again, with the same ids
  local options = arguments.read_options(args, 1, { limit = true, now = true })
  local limit = math.min(arguments.whole_number('limit', options.limit or '500', 1), 1000)
  local now = instant.now(options)
  apply_state.require_no_pending_apply(board)
  local last = clock_check.latest_tick(board)
  local idle_since = gaps.check(board, last, now)
  local is_realigning = clock_check.run(board, last, now)
  local is_extending = outages.extend_leases(board, last, now)
  pauses.end_due(board, now, options.now and now)
  local moved = admit_idle(board, now)
    + (is_extending and 0 or requeue_expired(board, now, limit))
    + queue_delayed(board, now, limit)
    + open_gates(board, now, limit)
    + child_runs.expire_waiting(board, now, limit)
  local due, is_waiting = due_jobs.queue(board, now, limit)
  moved = moved + due + backfill_steps.tick(board, now)
  clock_check.record_tick(board, last, now, moved > 0 or redis.call('EXISTS', key(board, 'leased')) == 1)
  dead_letters.expire(board, now, MAX_EXPIRED)
  ended_jobs.expire(board, now, MAX_EXPIRED)
  runs.tidy(board)
  dependents.queue_ready(board)
  links.continue(board)
  recovery.check_server(board)
  if clock_check.went_back(last, now) then deadlines.note_clock_back(board, now) end
  if idle_since then deadlines.note_gap(board, idle_since, now) end
  deadlines.expire(board, now)
  lanes.remove_unused(board)
  lending.tick(board, now)
  return { moved, next_time(board, now, is_realigning, is_waiting), now, unpack(outbox.targets(board)) }
end
