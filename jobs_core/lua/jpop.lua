#!lua flags=allow-oom
--[[ JPOP board numqueues queue [queue …] [count n] [lease duration] [worker name] [now time]

  Take up to `count` (1 unless given, at most 500) tasks from the queues, in the order the queues are named, those of
  a higher priority first. With `lease` each task is held under a token until JACK, or until the lease ends unrenewed
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
         15) history 16)                           of its earlier attempts, as include/attempts.lua writes it
         17) options 18) {"timeout":30}            (empty when there are none)
         19) payload 20) echo hi

  Answers a list, empty when the queues are.
  Errors: JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local fail = require('base.errors').fail
local key = require('base.keys').key
local digits = require('base.numbers').digits
local packed_job = require 'job.packed_job'
local counters = require 'ledger.counters'
local capacity = require 'limit.capacity'
local limits = require 'limit.limits'
local release = require 'limit.release'
local throttled = require 'limit.throttled'
local attempts = require 'queue.attempts'
local lanes = require 'queue.lanes'
local open_runs = require 'queue.open_runs'
local records = require 'queue.records'
local duration = require 'time.duration'
local instant = require 'time.instant'

local MOST, BYTES = 500, 4194304  -- tasks that one call takes at most, and bytes of them, or a single task
local HELD = 100  -- tasks that one call may leave to their limits

-- What one call takes: how many more tasks and bytes it may, and the limits it has met.
local function new_take(board, limit, now)
  return {
    left = limit, bytes = BYTES, may_hold = HELD, now = now, tasks = {},
    limits = {}, any = redis.call('EXISTS', key(board, 'limits')) == 1,
  }
end

-- A limit as this call knows it: measured once, and filled as tasks are taken. A task of a job that was put again with
-- another limit is left to the next call.
local function measured(board, take, limit)
  if not limit then return nil end
  local known = take.limits[limit.name]
  if not known then
    take.limits[limit.name] = capacity.measure(board, limit, take.now)
  elseif known.concurrency ~= limit.concurrency or known.n ~= limit.n or known.period ~= limit.period then
    limit.slots, limit.starts = 0, capacity.UNLIMITED
    return limit
  end
  return take.limits[limit.name]
end

-- Take a task, or leave it to the limit that does not let it start.
local function take_or_hold(board, take, record)
  local task = records.read(record)
  task.options, task.payload = packed_job.split_body(task.body)
  task.limits = limits.of_task(board, task, take.any)
  local full
  for i, limit in ipairs(task.limits) do
    task.limits[i] = measured(board, take, limit)
    full = full or capacity.is_full(task.limits[i]) and task.limits[i]
  end
  if full then
    take.may_hold = take.may_hold - 1
    return capacity.throttle(board, full, record)
  end
  for _, limit in ipairs(task.limits) do
    limit.slots, limit.starts = limit.slots - 1, limit.starts - 1
  end
  take.tasks[#take.tasks + 1] = task
  take.left, take.bytes = take.left - 1, take.bytes - #record
end

local function take_from(board, take, queue)
  local limit = measured(board, take, take.any and limits.shared(board, 'queue:' .. queue))
  for _, lane in ipairs(lanes.of_queue(board, queue)) do
    local list = key(board, 'queue:' .. lane)
    local record = true
    while record do
      if limit and capacity.is_full(limit) then return capacity.reopen_later(board, limit) end
      if take.left == 0 or take.bytes <= 0 or take.may_hold == 0 then
        -- Whoever took the wake token may leave work behind: pass it on.
        return release.wake_queue(board, queue)
      end
      record = redis.call('LPOP', list)
      if record then take_or_hold(board, take, record) end
    end
  end
end

-- Hand tasks over for good: nothing will be heard of them.
local function give_away(board, task, now)
  task.token = ''
  counters.add_for_job(board, records.job_of(task.id), 'unleased', 1)
  open_runs.remove(board, task.id)
  capacity.count_start(board, task.limits, '', now)
  release.free_slot(board, task)
end

local function lease_until(options, lease, now)
  local own = options:find('"lease"', 1, true) and cjson.decode(options).lease
  return now + (own and own * 1000 or lease)
end

local function lease_all(board, tasks, lease, worker, now)
  local number = redis.call('HINCRBY', key(board, 'stats'), 'leased', #tasks) - #tasks
  local held, ends = {}, {}
  for i, task in ipairs(tasks) do
    task.token = task.id .. '#' .. digits(number + i)
    if attempts.may_have_run(task) then counters.add_for_job(board, records.job_of(task.id), 'doubled', 1) end
    attempts.begin(task, worker, now)
    held[#held + 1], held[#held + 2] = task.token, records.write(task)
    ends[#ends + 1], ends[#ends + 2] = lease_until(task.options, lease, now), task.token
    capacity.count_start(board, task.limits, task.token, now)
  end
  redis.call('HSET', key(board, 'task'), unpack(held))
  redis.call('ZADD', key(board, 'leased'), unpack(ends))
end

local function reply(task)
  local job, due = records.split_id(task.id)
  return {
    'id', task.id, 'token', task.token, 'job', job, 'runner', task.runner, 'queue', (lanes.split(task.lane)),
    'due', due, 'attempt', task.attempt, 'history', task.past, 'options', task.options,
    'payload', task.payload,
  }
end

-- Whether a task is of at most once, whatever lease the caller offers.
local function is_unleased(task)
  return task.options:find('"policy":"none"', 1, true) ~= nil
end

-- What limits hold, and may have room for, comes back to its lanes first.
local function let_ready_in(board, now)
  local names = redis.call('SPOP', key(board, 'ready'), HELD)
  for _, name in ipairs(names) do throttled.recheck(board, name, now, HELD) end
end

-- A task that one limit let in may be held by another: what room is left then is for the next.
local function pass_on(board, take)
  for name, limit in pairs(take.limits) do
    if not capacity.is_full(limit) then release.notify_worker(board, name) end
  end
end

return function(board, args)
  local n = arguments.whole_number('numqueues', args[1] or '', 1)
  if #args < n + 1 then fail('OPTION', 'numqueues is more than the queues that follow') end
  local options = arguments.read_options(args, n + 2, { count = true, lease = true, worker = true, now = true })
  local limit = math.min(arguments.whole_number('count', options.count or '1', 1), MOST)
  local lease, now = options.lease and duration.ms('lease', options.lease), instant.now(options)
  local worker = (options.worker or ''):gsub('%s', '_')
  let_ready_in(board, now)
  local take = new_take(board, limit, now)
  for i = 2, n + 1 do take_from(board, take, args[i]) end

  local leased, replies = {}, {}
  for _, task in ipairs(take.tasks) do
    task.past = task.history
    if lease and not is_unleased(task) then
      leased[#leased + 1] = task
    else
      give_away(board, task, now)
    end
  end
  if #leased > 0 then lease_all(board, leased, lease, worker ~= '' and worker or '-', now) end
  pass_on(board, take)
  for i, task in ipairs(take.tasks) do replies[i] = reply(task) end
  return replies
end
