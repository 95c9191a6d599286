#!lua flags=allow-oom
--[[ JPOP board numqueues queue [queue …] [count n] [lease duration] [worker name] [raw 1] [now time]

  Take up to `count` (1 unless given, at most 500) tasks from the queues, in the order the queues are named, those of
  a higher priority first. With `lease` each task is leased under a token until JACK, or until the lease ends unrenewed
  (JBEAT). A job's own `lease` comes first. Without `lease`, or where the job's policy is none, the task is gone from Redis: at
  most once. A task that a limit does not let start stays behind, without keeping others from being taken.

    FCALL JPOP 1 {jobs} 1 shell count 1 lease 30 worker host-1
      1)  1) id       2) tick@1763900005000
          3) token    4) tick@1763900005000#7      (empty without a lease)
          5) job      6) tick
          7) runner   8) shell
          9) queue   10) shell
         11) due     12) 1763900005000             ms since the epoch
         13) attempt 14) 1
         15) history 16)                           of its earlier attempts, as queue/attempts.lua writes it
         17) options 18) {"timeout":30}            (empty when there are none)
         19) payload 20) echo hi

  With `raw 1` each is a pair, its token and its record as queue/records.lua describes it, which is less work for Redis.

  Returns a list, empty when the queues are.
  Errors: JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local fail_option = require('base.errors').fail_option
local key = require('base.keys').key
local packed_job = require 'job.packed_job'
local counters = require 'ledger.counters'
local capacity = require 'limit.capacity'
local limits = require 'limit.limits'
local release = require 'limit.release'
local throttled = require 'limit.throttled'
local attempts = require 'queue.attempts'
local bad_records = require 'queue.bad_records'
local lanes = require 'queue.lanes'
local open_runs = require 'queue.open_runs'
local queues = require 'queue.queues'
local records = require 'queue.records'
local duration = require 'time.duration'
local instant = require 'time.instant'

local MOST, BYTES = 500, 4194304  -- tasks that one call takes at most, and bytes of them, or a single task
local MAY_THROTTLE = 100  -- tasks that one call may leave to their limits
local FEW, MANY = 10, 25  -- tasks that are popped at once: before it is known how large they are, and then
local NAMES = { count = true, lease = true, worker = true, raw = true, now = true }

-- What one call takes: how many more tasks and bytes it may, and the limits it has met.
local function new_take(board, count, now, is_raw)
  return {
    is_raw = is_raw,
    board = board, left = count, bytes = BYTES, may_throttle = MAY_THROTTLE, now = now, tasks = {}, largest = nil,
    limits = {}, has_limits = redis.call('EXISTS', key(board, 'limits')) == 1,
  }
end

-- A limit as this call knows it: measured once, and filled as tasks are taken. A task of a job that was put again with
-- another limit is left to the next call.
local function measured(take, limit)
  if not limit then return nil end
  local known = take.limits[limit.name]
  if not known then
    take.limits[limit.name] = capacity.measure(take.board, limit, take.now)
  elseif known.concurrency ~= limit.concurrency or known.n ~= limit.n or known.period ~= limit.period then
    limit.slots, limit.starts = 0, capacity.UNLIMITED
    return limit
  end
  return take.limits[limit.name]
end

local function add(take, task, record)
  take.tasks[#take.tasks + 1] = task
  task.record = record
  take.left, take.bytes = take.left - 1, take.bytes - #record
end

-- Take a task, or leave it to the limit that does not let it start.
local function take_or_throttle(take, record)
  local task = records.read(record)
  if not task then return bad_records.set_aside(take.board, 'queue', record) end
  local found, full = limits.of_task(take.board, task, take.has_limits), nil
  for i, limit in ipairs(found) do
    found[i] = measured(take, limit)
    full = full or capacity.is_full(found[i]) and found[i]
  end
  if full then
    take.may_throttle = take.may_throttle - 1
    return capacity.throttle(take.board, full, record)
  end
  for _, limit in ipairs(found) do
    limit.slots, limit.starts = limit.slots - 1, limit.starts - 1
  end
  task.limits = found
  add(take, task, record)
end

-- Most tasks are at their first attempt, and have nothing to look at, where records are returned as they are.
local function take_one(take, record)
  if take.is_raw and not take.has_limits then
    local id, is_plain = records.glance(record)
    if is_plain then return add(take, { id = id }, record) end
  end
  take_or_throttle(take, record)
end

local function is_over(take, limit)
  return take.left == 0 or take.bytes <= 0 or take.may_throttle == 0 or limit and capacity.is_full(limit)
end

-- Pop the next records of a lane: few until it is known how large they are, and one by one under a limit of the queue.
local function pop(take, list, limit)
  local most = 1
  if not limit then most = math.min(take.left, take.largest and math.ceil(take.bytes / take.largest) or FEW, MANY) end
  local popped = redis.call('LPOP', list, most) or {}
  for i = 1, #popped do take.largest = math.max(take.largest or 1, #popped[i]) end
  return popped
end

-- Take what there is in a lane. Returns whether tasks may be left there.
local function take_lane(take, lane, limit)
  local list = key(take.board, 'queue:' .. lane)
  while not is_over(take, limit) do
    local popped = pop(take, list, limit)
    if #popped == 0 then return false end
    for i = 1, #popped do
      if take.bytes <= 0 or take.may_throttle == 0 then
        queues.return_records(take.board, lane, popped, i)
        break
      end
      take_one(take, popped[i])
    end
  end
  return true
end

local function take_queue(take, queue)
  local limit = measured(take, take.has_limits and limits.shared(take.board, 'queue:' .. queue))
  for _, lane in ipairs(lanes.of_queue(take.board, queue)) do
    if take_lane(take, lane, limit) then
      if limit and capacity.is_full(limit) then return capacity.reopen_later(take.board, limit) end
      -- Whoever took the wake token may leave work behind: pass it on.
      return release.wake_queue(take.board, queue)
    end
  end
end

-- Hand a task over for good: nothing will be heard of it.
local function give_away(take, task)
  local board = take.board
  task.token = ''
  counters.add_for_job(board, records.job_of(task.id), 'unleased', 1)
  open_runs.remove(board, task.id)
  if not task.limits then return end
  capacity.count_start(board, task.limits, '', take.now)
  release.free_slot(board, task)
end

local function lease_end(task, lease, now)
  local own = task.options and task.options.lease
  return now + (own and own * 1000 or lease)
end

local function lease_all(take, tasks, lease, worker)
  local board, now = take.board, take.now
  local number = redis.call('HINCRBY', key(board, 'stats'), 'leased', #tasks) - #tasks
  local held, ends, current = {}, {}, attempts.new(worker, now) .. '\n'
  for i, task in ipairs(tasks) do
    task.token = task.id .. '#' .. number + i
    if task.limits then
      if attempts.may_have_run(task) then counters.add_for_job(board, records.job_of(task.id), 'doubled', 1) end
      capacity.count_start(board, task.limits, task.token, now)
    end
    held[2 * i - 1], held[2 * i] = task.token, current .. task.record
    ends[2 * i - 1], ends[2 * i] = lease_end(task, lease, now), task.token
  end
  redis.call('HSET', key(board, 'task'), unpack(held))
  redis.call('ZADD', key(board, 'leased'), unpack(ends))
end

-- Nothing that was taken may be lost: what cannot be leased, since a key or a permission is not what it should be, goes back.
local function lease_or_return(take, tasks, lease, worker)
  local is_leased, why = pcall(lease_all, take, tasks, lease, worker)
  if is_leased then return end
  for i = #take.tasks, 1, -1 do
    local task = take.tasks[i]
    if task.token then
      redis.pcall('HDEL', key(take.board, 'task'), task.token)
      redis.pcall('ZREM', key(take.board, 'leased'), task.token)
      if task.limits then pcall(release.free_slot, take.board, task, task.token, true) end
    end
    local found = records.read(task.record)
    if found then
      queues.prepend(take.board, found.lane, task.record)
    else
      bad_records.set_aside(take.board, 'queue', task.record)
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

-- Whether a task is of at most once, whatever lease the caller offers.
local function is_unleased(task)
  return task.flags and task.flags:find('n', 1, true) ~= nil
end

-- What limits hold back, and may have room for, comes back to its lanes first.
local function admit_ready(board, now)
  local names = redis.call('SPOP', key(board, 'ready'), MAY_THROTTLE)
  for _, name in ipairs(names) do throttled.recheck(board, name, now, MAY_THROTTLE) end
end

-- A task that one limit let in may be held back by another: what room is left then is for the next.
local function pass_on(take)
  for name, limit in pairs(take.limits) do
    if not capacity.is_full(limit) then release.notify_worker(take.board, name) end
  end
end

-- Lease what was taken, or give it away.
local function hand_out(take, lease, worker)
  local leased, given = {}, {}
  for _, task in ipairs(take.tasks) do
    local chosen = lease and not is_unleased(task) and leased or given
    chosen[#chosen + 1] = task
  end
  if #leased > 0 then lease_or_return(take, leased, lease, worker ~= '' and worker or '-') end
  for _, task in ipairs(given) do give_away(take, task) end
end

return function(board, args)
  local n = arguments.whole_number('numqueues', args[1] or '', 1)
  if #args < n + 1 then
    fail_option('numqueues', 'expected at most ' .. #args - 1 .. ', the number of arguments that follow, got ' .. n)
  end
  local options = arguments.read_options(args, n + 2, NAMES)
  local count = math.min(arguments.whole_number('count', options.count or '1', 1), MOST)
  local lease, now = options.lease and duration.ms('lease', options.lease), instant.now(options)
  admit_ready(board, now)
  local take, replies = new_take(board, count, now, options.raw == '1'), {}
  for i = 2, n + 1 do take_queue(take, args[i]) end
  hand_out(take, lease, (options.worker or ''):gsub('%s', '_'))
  pass_on(take)
  for i, task in ipairs(take.tasks) do
    replies[i] = take.is_raw and { task.token, task.record } or reply(task)
  end
  return replies
end
