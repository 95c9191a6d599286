#!lua flags=allow-oom
--[[ JPOP board numqueues queue [queue …] [count n] [lease duration] [worker name] [raw 1] [now time]

  Take up to `count` tasks (default 1, at most 500) from the queues, in the order given, and within a queue by priority.
  With `lease`, each task is leased under a token until JACK, or until the lease ends without renewal (JBEAT). A job's own
  `lease` has precedence. Without `lease`, or if the job's policy is none, the task leaves Redis and runs at most once. A
  task held back by a limit does not block others.

    FCALL JPOP 1 {jobs} 1 shell count 1 lease 30 worker host-1
      1)  1) id       2) tick@1763900005000
          3) token    4) tick@1763900005000#7      (empty without a lease)
          5) job      6) tick
          7) runner   8) shell
          9) queue   10) shell
         11) due     12) 1763900005000             ms since the epoch
         13) attempt 14) 1
         15) history 16)                           earlier attempts, as in queue/attempts.lua
         17) options 18) {"timeout":30}            (empty if there are none)
         19) payload 20) echo hi

  With `raw 1`, each task is a pair: its token, and its record as described in queue/records.lua. This is less work for
  Redis.

  Returns a list, empty if there are no tasks.
  Errors: JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local fail_option = require('base.errors').fail_option
local key = require('base.keys').key
local lateness = require 'alert.lateness'
local check_visible = require('base.names').check_visible
local backfills = require 'backfill.backfills'
local ended_runs = require 'ending.ended_runs'
local packed_job = require 'job.packed_job'
local counters = require 'ledger.counters'
local capacity = require 'limit.capacity'
local lending = require 'limit.lending'
local limits = require 'limit.limits'
local release = require 'limit.release'
local throttled = require 'limit.throttled'
local waiters = require 'limit.waiters'
local attempts = require 'queue.attempts'
local bad_records = require 'queue.bad_records'
local lanes = require 'queue.lanes'
local open_runs = require 'queue.open_runs'
local queues = require 'queue.queues'
local records = require 'queue.records'
local duration = require 'time.duration'
local instant = require 'time.instant'

local MAX_TASKS, MAX_BYTES = 500, 4194304  -- per call; a single larger task is still returned
local MAX_THROTTLED = 100  -- tasks that one call may move to held lists
local FIRST_POP, NEXT_POP = 10, 25  -- records per LPOP: until their size is known, and after that
local NAMES = { count = true, lease = true, worker = true, raw = true, now = true }

-- State of one call: how many more tasks and bytes it may take, and the limits it has met.
local function new_batch(board, count, now, is_raw, has_limits)
  return {
    is_raw = is_raw,
    board = board, left = count, bytes = MAX_BYTES, throttles_left = MAX_THROTTLED, now = now, tasks = {}, largest = nil,
    limits = {}, held = {}, has_limits = has_limits,
  }
end

-- Measure a limit once per call, then count down as tasks are taken. If the job was put again with another limit, leave
-- its task to the next call.
local function measure_once(batch, limit)
  if not limit then return nil end
  local known = batch.limits[limit.name]
  if not known then
    batch.limits[limit.name] = capacity.measure(batch.board, limit, batch.now)
  elseif known.concurrency ~= limit.concurrency or known.n ~= limit.n or known.period ~= limit.period then
    limit.slots, limit.starts = 0, capacity.UNLIMITED
    return limit
  end
  return batch.limits[limit.name]
end

local function add_task(batch, task, record)
  batch.tasks[#batch.tasks + 1] = task
  task.record = record
  batch.left, batch.bytes = batch.left - 1, batch.bytes - #record
end

-- Take a task, or hold it for a limit that is full.
local function admit_or_throttle(batch, record)
  local task = records.read(record)
  if not task then return bad_records.set_aside(batch.board, 'queue', record) end
  local found, full = limits.of_task(batch.board, task, batch.has_limits), nil
  for i, limit in ipairs(found) do
    found[i] = measure_once(batch, limit)
    full = full or capacity.is_full(found[i]) and found[i]
  end
  if full then
    batch.throttles_left = batch.throttles_left - 1
    batch.held[#batch.held + 1] = { found, full }
    return capacity.throttle(batch.board, full, task, record, batch.now)
  end
  for _, limit in ipairs(found) do
    limit.slots, limit.starts = limit.slots - 1, limit.starts - 1
  end
  task.limits = found
  add_task(batch, task, record)
end

-- Fast path for raw calls: without limits on the board, a plain record is returned without reading it.
local function admit_record(batch, record)
  if batch.is_raw and not batch.has_limits then
    local id, is_plain = records.peek(record)
    if is_plain then return add_task(batch, { id = id, token = false, record = record }, record) end
  end
  admit_or_throttle(batch, record)
end

local function is_done(batch, limit)
  return batch.left == 0 or batch.bytes <= 0 or batch.throttles_left == 0 or limit and capacity.is_full(limit)
end

-- Pop the next records of a lane: a few until their size is known, and one at a time if the queue has a limit.
local function pop_records(batch, list, limit)
  local most = 1
  if not limit then
    most = math.min(batch.left, batch.largest and math.ceil(batch.bytes / batch.largest) or FIRST_POP, NEXT_POP)
  end
  local popped = redis.call('LPOP', list, most) or {}
  for i = 1, #popped do batch.largest = math.max(batch.largest or 1, #popped[i]) end
  return popped
end

-- Take tasks from a lane. Returns whether some may be left.
local function pop_lane(batch, lane, limit)
  local list = key(batch.board, 'queue:' .. lane)
  while not is_done(batch, limit) do
    local popped = pop_records(batch, list, limit)
    if #popped == 0 then return false end
    for i = 1, #popped do
      if batch.bytes <= 0 or batch.throttles_left == 0 then
        queues.return_records(batch.board, lane, popped, i)
        break
      end
      admit_record(batch, popped[i])
    end
  end
  return true
end

local function pop_queue(batch, queue)
  local limit = measure_once(batch, batch.has_limits and limits.shared(batch.board, 'queue:' .. queue))
  local queue_lanes = lanes.of_queue(batch.board, queue)
  for _, lane in ipairs(queue_lanes) do
    if pop_lane(batch, lane, limit) then
      if limit and capacity.is_full(limit) then return capacity.reopen_later(batch.board, limit) end
      -- Wake another worker, since this one consumed the wake token and left tasks behind.
      return waiters.wake_queue(batch.board, queue, queue_lanes)
    end
  end
end

-- Count a task without a lease as ended: nobody reports on it.
local function finish_unleased(batch, task)
  local board = batch.board
  task.token = ''
  task.on_board = counters.add_for_job(board, records.job_of(task.id), 'unleased', 1)
  open_runs.remove(board, task.id)
  backfills.note_ended(board, task.id, 'unleased')
  if not task.limits then return end
  capacity.count_start(board, task.limits, '', batch.now)
  release.free_slot(board, task)
end

local function lease_end(task, lease, now)
  local own = task.options and task.options.lease
  return now + (own and own * 1000 or lease)
end

local function lease_all(batch, tasks, lease, worker)
  local board, now = batch.board, batch.now
  local number = redis.call('HINCRBY', key(board, 'stats'), 'leased', #tasks) - #tasks
  local stored, ends, current = {}, {}, attempts.new(worker, now) .. '\n'
  for i, task in ipairs(tasks) do
    task.token = task.id .. '#' .. number + i
    if task.limits then
      if attempts.follows_lost(task) then counters.add_for_job(board, records.job_of(task.id), 'doubled', 1) end
      capacity.count_start(board, task.limits, task.token, now)
    end
    stored[2 * i - 1], stored[2 * i] = task.token, current .. task.record
    ends[2 * i - 1], ends[2 * i] = lease_end(task, lease, now), task.token
  end
  redis.call('HSET', key(board, 'task'), unpack(stored))
  redis.call('ZADD', key(board, 'leased'), unpack(ends))
end

-- If leasing fails, for example because of a permission, return all tasks to their lanes so that none is lost.
local function lease_or_return(batch, tasks, lease, worker)
  local is_leased, why = pcall(lease_all, batch, tasks, lease, worker)
  if is_leased then return end
  for i = #batch.tasks, 1, -1 do
    local task = batch.tasks[i]
    if task.token then
      redis.pcall('HDEL', key(batch.board, 'task'), task.token)
      redis.pcall('ZREM', key(batch.board, 'leased'), task.token)
      if task.limits then pcall(release.free_slot, batch.board, task, task.token, true) end
    end
    local found = records.read(task.record)
    if found then
      queues.prepend(batch.board, found.lane, task.record)
    else
      bad_records.set_aside(batch.board, 'queue', task.record)
    end
  end
  error(why, 0)
end

local function reply(task)
  local job, due = records.split_id(task.id)
  local options, payload = packed_job.split_body(task.body)
  return {
    'id', task.id, 'token', task.token, 'job', job, 'runner', task.runner, 'queue', (lanes.split(task.lane)),
    'due', due, 'attempt', task.attempt, 'history', task.history, 'options', options, 'payload', payload,
  }
end

-- Whether a task runs at most once, even if the caller offers a lease.
local function is_unleased(task)
  return task.flags and task.flags:find('n', 1, true) ~= nil
end

-- Return held tasks to their lanes if their limits may have room. Returns whether the board has limits on queues and runners.
local function admit_ready(board, now)
  if redis.call('EXISTS', key(board, 'limits'), key(board, 'ready')) == 0 then return false end
  local names = redis.call('SPOP', key(board, 'ready'), MAX_THROTTLED)
  for _, name in ipairs(names) do throttled.recheck(board, name, now, MAX_THROTTLED) end
  return redis.call('EXISTS', key(board, 'limits')) == 1
end

-- A task admitted by one limit may be held by another. Let other workers use the room that is left, and ask for more.
local function notify_waiting(batch)
  for name, limit in pairs(batch.limits) do
    if not capacity.is_full(limit) then
      waiters.notify_worker(batch.board, name)
    else
      lending.request(batch.board, name)
    end
  end
  for _, pair in ipairs(batch.held) do lending.note_held(batch.board, unpack(pair)) end
end

-- Lease the tasks, and finish those that run at most once.
local function deliver(batch, lease, worker)
  local leased, unleased = {}, {}
  for _, task in ipairs(batch.tasks) do
    local chosen = lease and not is_unleased(task) and leased or unleased
    chosen[#chosen + 1] = task
  end
  worker = worker ~= '' and worker or '-'
  if #leased > 0 then lease_or_return(batch, leased, lease, worker) end
  for _, task in ipairs(unleased) do finish_unleased(batch, task) end
  if #unleased > 0 then ended_runs.record_unleased(batch.board, unleased, batch.now, worker) end
end

return function(board, args)
  local n = arguments.whole_number('numqueues', args[1] or '', 1)
  if #args < n + 1 then
    fail_option('numqueues', 'expected at most ' .. #args - 1 .. ', the number of arguments that follow, got ' .. n)
  end
  local options = arguments.read_options(args, n + 2, NAMES)
  local count = math.min(arguments.whole_number('count', options.count or '1', 1), MAX_TASKS)
  check_visible('worker', options.worker or '')
  local lease, now = options.lease and duration.ms('lease', options.lease), instant.now(options)
  local has_limits = admit_ready(board, now)
  local batch, replies = new_batch(board, count, now, options.raw == '1', has_limits), {}
  for i = 2, n + 1 do pop_queue(batch, args[i]) end
  deliver(batch, lease, (options.worker or ''):gsub('%s', '_'))
  notify_waiting(batch)
  for i = 2, n + 1 do lending.settle(board, 'length:' .. args[i]) end
  if #batch.tasks > 0 then lateness.note_starts(board, batch.tasks, now) end
  for i, task in ipairs(batch.tasks) do
    replies[i] = batch.is_raw and { task.token, task.record } or reply(task)
  end
  return replies
end
