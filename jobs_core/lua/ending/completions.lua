-- Records tasks that are done, which is what most reports say. Reads and writes them in batches.

local clock = require 'base.clock'
local key = require('base.keys').key
local digits = require('base.numbers').digits
local alert_endings = require 'alert.endings'
local backfills = require 'backfill.backfills'
local ended_tasks = require 'ending.ended_tasks'
local events = require 'ending.events'
local counters = require 'ledger.counters'
local failures = require 'ledger.failures'
local history = require 'ledger.history'
local hours = require 'ledger.hours'
local run_lines = require 'ledger.run_lines'
local runs = require 'ledger.runs'
local holds = require 'limit.holds'
local release = require 'limit.release'
local links = require 'partition.links'
local leases = require 'queue.leases'
local open_runs = require 'queue.open_runs'

local completions = {}

local WRITE_SIZE = 500  -- tasks per write
local READ_SIZE = 20  -- tasks per read: payloads may be large
local MAX_HEAD = 4096  -- bytes of a task that stay, for alerts

-- Forget the tasks that are done, once they are written.
local function clear(batch)
  -- Their tokens, in order, and what is known of each: what `leases.peek` returns, its head (how it begins), the time and the
  -- fields of its report, and, of some, the attempt, what held it, and how many runs its job keeps.
  batch.done, batch.tasks, batch.has_own = {}, {}, false
end

-- The state of a call that reports on tasks. `tokens` are in the order of the reports.
function completions.new(board, tokens)
  local batch = {
    board = board, now = clock.now(), may_be_limited = redis.call('EXISTS', key(board, 'limits'), key(board, 'holds')) > 0,
    tokens = tokens, at = 0, stored = {},  -- tasks by their tokens; false once they have ended, or if there is none
    history = key(board, 'history'),
  }
  clear(batch)
  return batch
end

-- Read the next chunk of leased tasks.
local function read_chunk(batch)
  local tokens = { unpack(batch.tokens, batch.at + 1, batch.at + READ_SIZE) }
  batch.at = batch.at + #tokens
  local scores = redis.call('ZMSCORE', key(batch.board, 'leased'), unpack(tokens))
  local stored = redis.call('HMGET', key(batch.board, 'task'), unpack(tokens))
  for i = 1, #tokens do
    if batch.stored[tokens[i]] == nil then batch.stored[tokens[i]] = scores[i] and stored[i] end
  end
end

-- Return the stored task of a token, if the token holds one. A task is returned only once.
local function find(batch, token)
  while batch.stored[token] == nil and batch.at < #batch.tokens do read_chunk(batch) end
  local stored = batch.stored[token]
  batch.stored[token] = false
  return stored
end

-- End a task that has options of its own or a later attempt, or may be under limits.
local function end_with_details(batch, task, token, stored)
  local read = leases.read(stored)
  release.free_slot(batch.board, read, token)
  events.record(batch.board, read, read.attempt, 'done', task.fields)
  task.attempt, task.kept, task.held = read.attempt, read.options.history, holds.take(batch.board, task.id)
  batch.has_own = batch.has_own or task.kept ~= nil
  if read.options['on-success'] then alert_endings.note_success(batch.board, read, task.time) end
end

-- Record that the task of a token is done. Returns its id, or nothing if the token holds no task.
function completions.add(batch, token, fields, now)
  local stored = find(batch, token)
  if not stored then return nil end
  local task, is_plain = leases.peek(stored)
  if not task then return leases.find(batch.board, token) and nil end  -- sets the record aside
  local n = #batch.done + 1
  task.fields, task.time = fields, now or batch.now
  task.head = #stored <= MAX_HEAD and stored or stored:sub(1, MAX_HEAD)
  if not is_plain or batch.may_be_limited then
    end_with_details(batch, task, token, stored)
  elseif fields[1] or n == 1 then
    history.append(batch.board, task.id, '1', 'done', fields)
  else
    history.append_done(batch.history, task.id)
  end
  batch.done[n], batch.tasks[n] = token, task
  if n == WRITE_SIZE then completions.write(batch) end
  return task.id
end

-- Count the ended tasks of each job. Returns the counts, and the jobs in order.
local function count_by_job(tasks)
  local counts, jobs = {}, {}
  for i = 1, #tasks do
    local job = tasks[i].job
    if counts[job] then
      counts[job] = counts[job] + 1
    elseif not job:find('^push:%d') then
      counts[job], jobs[#jobs + 1] = 1, job
    end
  end
  return counts, jobs
end

-- Whether any of these jobs has a key with this prefix. Usually none has.
local function any_exists(board, prefix, jobs)
  local names, start = {}, key(board, prefix)
  for i = 1, #jobs do names[i] = start .. jobs[i] end
  return redis.call('EXISTS', unpack(names)) > 0
end

-- Return the end of a run's line: the code and note of its report, and what held it.
local function details_of(task)
  if not (task.fields[1] or task.held) then return '\n' end
  local code, note = run_lines.code_and_note(task.fields)
  return run_lines.details(code, task.held, note)
end

-- Add the runs of jobs on the board to their records. `counts` has how many each such job has. Of a job with many, only the
-- last ones are added: those that are kept, and one more, from which it is known what was dropped.
local function write_runs(batch, counts)
  local tasks, found, time, ended = batch.tasks, runs.new_batch(batch.board), nil, nil
  if found.most > 0 then hours.add(batch.board, 'done', #tasks, tasks[#tasks].time) end
  if found.most == 0 and not batch.has_own then return end
  for i = 1, #tasks do
    local task = tasks[i]
    local job, left = task.job, counts[task.job]
    if left then counts[job] = left - 1 end
    if left and left <= (task.kept or found.most) + 1 then
      if task.time ~= time then time, ended = task.time, digits(task.time) end
      local line = run_lines.of_run('done', task.moment, task.since, ended, task.attempt or '1', task.worker, details_of(task))
      runs.add(found, job, line, task.kept)
    end
  end
  runs.write(found)
end

local function note_in_backfills(batch)
  local ids = {}
  for i, task in ipairs(batch.tasks) do ids[i] = task.id end
  backfills.note_all_ended(batch.board, ids, 'done')
end

-- Tell the jobs that wait for others, or for runs of their own, which tasks have ended.
local function write_dependents(batch, jobs, may_have_dependents)
  local board = batch.board
  local have_runs = any_exists(board, 'open:', jobs)
  local have_dependents = may_have_dependents and (any_exists(board, 'after:', jobs) or links.any(board, jobs))
  if not (have_runs or have_dependents) then return end
  for _, task in ipairs(batch.tasks) do
    if have_runs then open_runs.remove(board, task.id) end
    if have_dependents then ended_tasks.record(board, task.id, 'done', task.time, task.fields) end
  end
end

-- Tell the alerts which tasks are done, and which jobs were failing until then.
local function write_alerts(batch, jobs, is_asked)
  local recovered, now = failures.clear(batch.board, jobs), batch.tasks[#batch.tasks].time
  if #recovered > 0 then
    local last = {}
    for _, task in ipairs(batch.tasks) do last[task.job] = task end
    for _, run in ipairs(recovered) do run.task = last[run.job] end
    alert_endings.note_recovered(batch.board, recovered, now)
  end
  if is_asked then alert_endings.note_done(batch.board, batch.tasks, now) end
end

-- Write all recorded endings.
function completions.write(batch)
  local board, done = batch.board, batch.done
  if #done == 0 then return end
  redis.call('ZREM', key(board, 'leased'), unpack(done))
  redis.call('HDEL', key(board, 'task'), unpack(done))
  counters.add(board, 'done', #done)
  local counts, jobs = count_by_job(batch.tasks)
  if #jobs > 0 then counters.add_for_jobs(board, 'done', jobs, counts) end
  -- Usually no job is failing or waits for others, and no task is being cancelled or of a backfill.
  local is_special = redis.call('EXISTS', key(board, 'failing'), key(board, 'parents'), key(board, 'after-in'),
    key(board, 'cancelling'), key(board, 'backfill:tasks'), key(board, 'alerts:done')) > 0
  write_runs(batch, counts)
  if is_special then
    write_alerts(batch, jobs, redis.call('EXISTS', key(board, 'alerts:done')) == 1)
    redis.call('SREM', key(board, 'cancelling'), unpack(done))
    note_in_backfills(batch)
  end
  if #jobs > 0 then write_dependents(batch, jobs, is_special) end
  clear(batch)
end

return completions
