-- Moves due jobs to their queues.

local key = require('base.keys').key
local numbers = require 'base.numbers'
local partition = require 'base.partition'
local lateness = require 'alert.lateness'
local patterns = require 'cron.patterns'
local ended_jobs = require 'define.ended_jobs'
local next_run = require 'define.next_run'
local child_runs = require 'due.child_runs'
local jitter = require 'due.jitter'
local misfire = require 'due.misfire'
local parent_endings = require 'due.parent_endings'
local waiting = require 'due.waiting'
local packed_job = require 'job.packed_job'
local counters = require 'ledger.counters'
local history = require 'ledger.history'
local hours = require 'ledger.hours'
local runs = require 'ledger.runs'
local skip_reasons = require 'ledger.skip_reasons'
local lending = require 'limit.lending'
local bad_records = require 'queue.bad_records'
local lanes = require 'queue.lanes'
local lengths = require 'queue.lengths'
local open_runs = require 'queue.open_runs'
local queues = require 'queue.queues'
local records = require 'queue.records'
local timers = require 'queue.timers'
local instant = require 'time.instant'
local zones = require 'time.zones'

local due_jobs = {}

-- Payloads may be large: jobs are read a few at a time, and more once they prove small. A batch ends after MAX_BYTES.
local FIRST_CHUNK, NEXT_CHUNK, SMALL_JOB, MAX_BYTES = 10, 20, 4096, 1048576
-- A very late job takes many iterations to catch up, so a batch ends after this many.
local MAX_ITERATIONS = 5000

-- The changes of a batch, collected before any of them is written.
local function new_batch()
  return {
    tasks = {}, jittered = {}, bytes = 0, iterations = 0, n = 0, coalesced = 0, skipped = 0, missed = {}, reasons = {},
    moved = {}, changed = {}, by_queue = {}, ended = {}, chunk = FIRST_CHUNK,
  }
end

local function end_job(batch, id)
  batch.ended[#batch.ended + 1] = id
end

-- Track the length in `n`, because Lua's # operator searches for it.
local function append_pair(list, first, second)
  local n = list.n or 0
  list[n + 1], list[n + 2], list.n = first, second, n + 2
end

local function add_task(batch, lane, record)
  local tasks = batch.tasks[lane]
  if not tasks then
    tasks = { n = 0 }
    batch.tasks[lane] = tasks
  end
  local n = tasks.n + 1
  tasks[n], tasks.n = record, n
  batch.bytes = batch.bytes + #record
  batch.n = batch.n + 1
end

-- Record occurrences without a run of their own, from `due` to `through` (ms as text), and the reason. `what` is coalesced
-- or skipped, `own` the job's option history, if it has it.
local function record_missed(batch, what, id, due, through, n, why, own)
  if n == 0 then return end
  batch[what] = batch[what] + n
  if what == 'skipped' then batch.reasons[why] = (batch.reasons[why] or 0) + n end
  batch.missed[#batch.missed + 1] = { what = what, job = id, due = due, through = through, n = n, why = why, own = own }
end

-- Add one job. Called for each due job, so it creates only one string and few tables.
local function add_job(batch, id, due, head, body, now, cache)
  local runner = head.runner
  local lane = lanes.name(head.queue or runner, head.priority)
  local following, passed, iterations = next_run.after(head, tonumber(due), now, cache, id)
  local record = records.new(id, due, lane, runner, head.flags or '', body)
  if head.left then
    head.left = head.left - 1
    if head.left == 0 then following, passed = nil, 0 end  -- occurrences after the last run are not due
    append_pair(batch.changed, id, packed_job.pack(head, body))
  end
  add_task(batch, lane, record)
  if passed > 0 then
    record_missed(batch, 'coalesced', id, due, numbers.digits(now), passed, 'late', packed_job.own_history(head, body))
  end
  if iterations then batch.iterations = batch.iterations + iterations end
  if following then append_pair(batch.moved, following, id) else end_job(batch, id) end
end

-- Add a run, delayed by its job's jitter.
local function add_run(batch, id, due, head, body, now)
  local lane, moment = lanes.name(head.queue or head.runner, head.priority), numbers.digits(due)
  local record, time = records.new(id, moment, lane, head.runner, head.flags or '', body), due
  if head.jitter then time = due + jitter.delay(id .. '@' .. moment, head.jitter) end
  if time <= now then return add_task(batch, lane, record) end
  batch.jittered[#batch.jittered + 1] = { id .. '@' .. moment .. '#0', record, time }
  batch.bytes = batch.bytes + #record
  batch.n = batch.n + 1
end

-- Record what became of the occurrences of a job, and its next run.
local function finish_occurrences(batch, id, due, head, body, found, now)
  if head.left and #found.runs > 0 then
    head.left = head.left - #found.runs
    if head.left == 0 then found.following, found.coalesced = nil, 0 end
    append_pair(batch.changed, id, packed_job.pack(head, body))
  end
  if found.late + found.busy + found.coalesced > 0 then
    local moment, own = numbers.digits(due), packed_job.own_history(head, body)
    local function through(n) return n == 1 and moment or numbers.digits(now) end
    record_missed(batch, 'skipped', id, moment, through(found.late), found.late, 'late', own)
    record_missed(batch, 'skipped', id, moment, through(found.busy), found.busy, 'overlap', own)
    record_missed(batch, 'coalesced', id, moment, numbers.digits(now), found.coalesced, 'late', own)
  end
  batch.iterations = batch.iterations + found.iterations
  if found.following then append_pair(batch.moved, found.following, id) else end_job(batch, id) end
end

-- Add a job with misfire, grace, overlap or jitter.
local function add_with_rules(board, batch, id, due, head, body, now, cache)
  local found = misfire.select_runs(board, head, head.overlap, due, now, cache, id)
  for _, run in ipairs(found.runs) do
    add_run(batch, id, run, head, body, now)
    if head.overlap then open_runs.add(board, id, id .. '@' .. numbers.digits(run)) end
  end
  finish_occurrences(batch, id, due, head, body, found, now)
end

-- Let the occurrence at `run` wait for the job's parents. If its deadline has come, too, it is over at once.
local function begin_waiting(board, id, run, head, body, found, now)
  local deadline = waiting.deadline(head, run, found.following)
  waiting.begin(board, id, run, deadline)
  if deadline <= now then child_runs.end_waiting(board, id, head, body, run, now) end
  if head.left == 0 then found.following, found.coalesced = nil, 0 end
  found.runs = {}
end

-- Add a job that has both a time and parents. Its next occurrence ends the wait of the one before.
local function add_with_parents(board, batch, id, due, head, body, now, cache)
  local waits_since = waiting.due(board, id)
  if waits_since then child_runs.end_waiting(board, id, head, body, waits_since, now) end
  if head.left == 0 then return end_job(batch, id) end
  local is_complete = parent_endings.is_complete(board, id, head.after)
  local found = misfire.select_runs(board, head, is_complete and head.overlap or nil, due, now, cache, id)
  local run = found.runs[1]
  if not run then
    parent_endings.forget_until(board, id, head.after, due)
  elseif is_complete then
    local parents = parent_endings.take(board, id, head.after)
    add_run(batch, id, run, head, parent_endings.add_to_body(body, parents), now)
    if head.overlap then open_runs.add(board, id, id .. '@' .. numbers.digits(run)) end
  else
    begin_waiting(board, id, run, head, body, found, now)
  end
  finish_occurrences(batch, id, due, head, body, found, now)
end

-- Add a job that has only an interval, as most do. Creates no table.
local function add_interval(batch, id, due, runner, every, body, now)
  add_task(batch, runner, records.new(id, due, runner, runner, '', body))
  local time = tonumber(due)
  local passed = math.floor((now - time) / every)
  if passed > 0 then record_missed(batch, 'coalesced', id, due, numbers.digits(time + passed * every), passed, 'late') end
  local following = time + (passed + 1) * every
  if following < instant.END then append_pair(batch.moved, following, id) else end_job(batch, id) end
end

-- Whether a run has to wait, because this partition of a board has no place in the queue, and has just asked for one.
local function awaits_place(board, batch, queue, runner, now)
  if batch.is_bounded == nil then
    batch.is_bounded = partition.current() ~= nil and redis.call('EXISTS', key(board, 'lengths')) == 1
  end
  local room = batch.is_bounded and lengths.room(board, queue, runner)
  if not room then return false end
  local n = batch.by_queue[queue] or 0
  batch.by_queue[queue] = n + 1
  local is_waiting = n >= room and lending.awaits_place(board, queue, now)
  batch.is_waiting = batch.is_waiting or is_waiting
  return is_waiting
end

local function add_head(board, batch, id, due, head, body, now, cache)
  if head.after then return add_with_parents(board, batch, id, tonumber(due), head, body, now, cache) end
  if head.overlap or head.misfire or head.grace or head.jitter then
    return add_with_rules(board, batch, id, tonumber(due), head, body, now, cache)
  end
  add_job(batch, id, due, head, body, now, cache)
end

-- Whether a score is a time at which a job may be due.
local function is_valid_time(due)
  local time = tonumber(due)
  return time > -numbers.MAX and time < numbers.MAX
end

-- Add a due job. One that cannot be read, or whose score is not a time, is removed from the schedule but stays stored.
local function add(board, batch, id, due, packed, now, cache)
  if is_valid_time(due) then
    local runner, every, interval_body = packed_job.interval(packed)
    if runner and awaits_place(board, batch, runner, runner, now) then return end
    if runner then return add_interval(batch, id, due, runner, every, interval_body, now) end
    local head, body = packed_job.unpack(packed)
    if head and awaits_place(board, batch, head.queue or head.runner, head.runner, now) then return end
    if head and pcall(add_head, board, batch, id, due, head, body, now, cache) then return end
    -- If the zones are not loaded yet, raise the error, so that the client loads them.
    if head and head.zone and not zones.are_loaded(board) then zones.find(board, head.zone) end
  end
  bad_records.set_aside(board, 'job', packed, id)
  end_job(batch, id)
end

-- Read a chunk of the due jobs, from `at` on. Returns how many.
local function read_chunk(board, batch, due, at, now, cache)
  local ids, n = {}, 0
  for i = at, math.min(at + 2 * batch.chunk - 1, #due), 2 do
    n = n + 1
    ids[n] = due[i]
  end
  local packed = redis.call('HMGET', key(board, 'job'), unpack(ids))
  for i = 1, n do
    if packed[i] then
      add(board, batch, ids[i], due[at + 2 * i - 1], packed[i], now, cache)
    else
      end_job(batch, ids[i])
    end
  end
  return n
end

local function read_due(board, now, limit)
  local due, batch, cache = timers.due(board, 'schedule', now, limit), new_batch(), patterns.new_cache(board)
  local at = 1
  while at <= #due and batch.bytes < MAX_BYTES and batch.iterations < MAX_ITERATIONS do
    local before = batch.bytes
    local n = read_chunk(board, batch, due, at, now, cache)
    batch.chunk = batch.bytes - before < n * SMALL_JOB and NEXT_CHUNK or FIRST_CHUNK
    at = at + 2 * n
  end
  return batch
end

local function write_missed(board, missed, now)
  for _, item in ipairs(missed) do
    redis.call('HINCRBY', key(board, 'ledger'), item.what .. ' ' .. item.job, item.n)
    history.append(board, item.job .. '@' .. item.due, 0, item.what, { 'count', item.n, 'note', item.why })
  end
  if #missed == 0 then return end
  runs.add_missed(board, missed)
  lateness.note_missed(board, missed, now)
end

-- Skip the tasks for which a queue with a max-length has no room. Returns the others, or nothing if it has no bound.
local function skip_excess(board, batch, queue, tasks)
  if redis.call('HEXISTS', key(board, 'lengths'), queue) == 0 then return end
  local kept = { n = 0 }
  for i = 1, tasks.n do
    local task = records.read(tasks[i])
    local job, due = records.split_id(task.id)
    local own = (task.options.concurrency or task.options.rate) and job
    if lengths.room(board, queue, task.runner, own) > kept.n then
      kept.n = kept.n + 1
      kept[kept.n] = tasks[i]
    else
      batch.n = batch.n - 1
      open_runs.remove(board, task.id)
      local moment = numbers.digits(due)
      record_missed(batch, 'skipped', job, moment, moment, 1, 'full', task.options.history)
    end
  end
  return kept
end

local function write_tasks(board, batch)
  for lane, tasks in pairs(batch.tasks) do
    local kept = skip_excess(board, batch, (lanes.split(lane)), tasks) or tasks
    if kept.n > 0 then queues.append(board, lane, kept) end
  end
end

local function write(board, batch, now)
  write_tasks(board, batch)
  for _, run in ipairs(batch.jittered) do
    redis.call('HSET', key(board, 'task'), run[1], run[2])
    redis.call('ZADD', key(board, 'delayed'), run[3], run[1])
  end
  write_missed(board, batch.missed, now)
  if #batch.moved > 0 then redis.call('ZADD', key(board, 'schedule'), unpack(batch.moved)) end
  if #batch.ended > 0 then redis.call('ZREM', key(board, 'schedule'), unpack(batch.ended)) end
  ended_jobs.note(board, batch.ended, now)
  if #batch.changed > 0 then redis.call('HSET', key(board, 'job'), unpack(batch.changed)) end
  counters.add(board, 'due', batch.n + batch.coalesced + batch.skipped)
  counters.add(board, 'queued', batch.n)
  counters.add(board, 'coalesced', batch.coalesced)
  counters.add(board, 'skipped', batch.skipped)
  for why, n in pairs(batch.reasons) do counters.add(board, skip_reasons.counter(why), n) end
  hours.add(board, 'coalesced', batch.coalesced, now)
  hours.add(board, 'skipped', batch.skipped, now)
  return batch.n, batch.is_waiting
end

-- Queue the jobs that are due. Returns how many tasks that made, and whether some wait for a place in their queue.
function due_jobs.queue(board, now, limit)
  return write(board, read_due(board, now, limit), now)
end

return due_jobs
