-- Records tasks that are done, which is what most reports say. Reads and writes them in batches.

local clock = require 'base.clock'
local key = require('base.keys').key
local digits = require('base.numbers').digits
local backfills = require 'backfill.backfills'
local ended_tasks = require 'ending.ended_tasks'
local events = require 'ending.events'
local counters = require 'ledger.counters'
local history = require 'ledger.history'
local hours = require 'ledger.hours'
local run_lines = require 'ledger.run_lines'
local runs = require 'ledger.runs'
local holds = require 'limit.holds'
local release = require 'limit.release'
local leases = require 'queue.leases'
local open_runs = require 'queue.open_runs'

local completions = {}

local WRITE_SIZE = 500  -- tasks per write
local READ_SIZE = 20  -- tasks per read: payloads may be large

-- Forget the tasks that are done, once they are written.
local function clear(batch)
  -- Of each, in order: its token, id and time; since when it was leased, by which worker; its report's code and note, and
  -- its attempt, if it is not 1; what held it; and how many runs its job keeps.
  batch.done, batch.ids, batch.times, batch.since, batch.workers = {}, {}, {}, {}, {}
  batch.fields, batch.attempts, batch.held, batch.kept = {}, {}, {}, {}
end

-- The state of a call that reports on tasks. `tokens` are in the order of the reports.
function completions.new(board, tokens)
  local batch = {
    board = board, now = clock.now(), may_be_limited = redis.call('EXISTS', key(board, 'limits'), key(board, 'holds')) > 0,
    tokens = tokens, at = 0, stored = {},  -- tasks that are read and not yet reported
    ended = {},  -- tokens of tasks that are done
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
  for i = 1, #tokens do batch.stored[tokens[i]] = scores[i] and stored[i] end
end

-- Return the stored task of a token, if the token holds one. A task is returned only once.
local function find(batch, token)
  while batch.stored[token] == nil and batch.at < #batch.tokens do read_chunk(batch) end
  local stored = batch.stored[token]
  batch.stored[token] = false
  return stored
end

-- End a task that has options of its own or a later attempt, or may be under limits. It becomes the nth of the batch.
local function add_with_details(batch, n, token, stored, fields)
  local task = leases.read(stored)
  release.free_slot(batch.board, task, token)
  events.record(batch.board, task, task.attempt, 'done', fields)
  batch.attempts[n], batch.kept[n] = task.attempt, task.options.history
  batch.held[n] = holds.take(batch.board, task.id)
end

-- Record that the task of a token is done. Returns its id, or nothing if the token holds no task.
function completions.add(batch, token, fields, now)
  local stored = find(batch, token)
  if not stored then return nil end
  local id, is_plain, since, worker = leases.peek(stored)
  if not id then return leases.find(batch.board, token) and nil end  -- sets the record aside
  local n = #batch.done + 1
  if not is_plain or batch.may_be_limited then
    add_with_details(batch, n, token, stored, fields)
  elseif fields[1] then
    history.append(batch.board, id, '1', 'done', fields)
  else
    history.append_done(batch.history, id)
  end
  batch.done[n], batch.ids[n], batch.times[n], batch.ended[token] = token, id, now or batch.now, true
  batch.since[n], batch.workers[n], batch.fields[n] = since, worker, fields
  if n == WRITE_SIZE then completions.write(batch) end
  return id
end

-- Count the ended tasks of each job. Returns the counts, the jobs in order, and the job and moment of each task.
local function count_by_job(ids)
  local counts, jobs, job_of, moments = {}, {}, {}, {}
  for i = 1, #ids do
    local job, moment = ids[i]:match('^(.*)@(%d+%-?f?%d*)$')
    if job and not job:find('^push:%d') then
      job_of[i], moments[i] = job, moment
      if not counts[job] then jobs[#jobs + 1] = job end
      counts[job] = (counts[job] or 0) + 1
    end
  end
  return counts, jobs, job_of, moments
end

-- Whether any of these jobs has a key with this prefix. Usually none has.
local function any_exists(board, prefix, jobs)
  local names = {}
  for i = 1, #jobs do names[i] = key(board, prefix .. jobs[i]) end
  return redis.call('EXISTS', unpack(names)) > 0
end

-- Return the end of a run's line: the code and note of its report, and what held it.
local function details_of(batch, i)
  local fields = batch.fields[i]
  if #fields == 0 and not batch.held[i] then return '\n' end
  local code, note = run_lines.code_and_note(fields)
  return run_lines.details(code, batch.held[i], note)
end

-- Add the runs of jobs that are on the board to their records. `job_of` has the job of each task but one-off ones. Of a job
-- with many tasks in this batch, `counts` has how many, only the last ones are added: those that are kept, and one more, from
-- which it is known what was dropped.
local function write_runs(batch, jobs, job_of, moments, counts)
  local found = runs.new_batch(batch.board)
  if found.most > 0 then hours.add(batch.board, 'done', #batch.done, batch.times[#batch.done]) end
  if #jobs == 0 or found.most == 0 and not next(batch.kept) then return end
  local is_on_board, now, ended = {}, nil, nil
  for i = 1, #jobs do is_on_board[jobs[i]] = true end
  for i = 1, #batch.ids do
    local job = job_of[i]
    if job then counts[job] = counts[job] - 1 end
    if job and is_on_board[job] and counts[job] <= (batch.kept[i] or found.most) then
      if batch.times[i] ~= now then now, ended = batch.times[i], digits(batch.times[i]) end
      local line = run_lines.of_run('done', moments[i], batch.since[i], ended, batch.attempts[i] or '1', batch.workers[i],
        details_of(batch, i))
      runs.add(found, job, line, batch.kept[i])
    end
  end
  runs.write(found, 'done')
end

local function write_jobs(batch)
  local board = batch.board
  local counts, jobs, job_of, moments = count_by_job(batch.ids)
  if #jobs == 0 then return write_runs(batch, jobs) end
  write_runs(batch, counters.add_for_jobs(board, 'done', jobs, counts), job_of, moments, counts)
  backfills.note_all_ended(board, batch.ids, 'done')
  local have_runs = any_exists(board, 'open:', jobs)
  local have_dependents = redis.call('EXISTS', key(board, 'parents')) == 1 and any_exists(board, 'after:', jobs)
  if not (have_runs or have_dependents) then return end
  for i = 1, #batch.ids do
    if have_runs then open_runs.remove(board, batch.ids[i]) end
    if have_dependents and job_of[i] then ended_tasks.record(board, batch.ids[i], 'done', batch.times[i], batch.fields[i]) end
  end
end

-- Write all recorded endings.
function completions.write(batch)
  local board, done = batch.board, batch.done
  if #done == 0 then return end
  redis.call('ZREM', key(board, 'leased'), unpack(done))
  redis.call('HDEL', key(board, 'task'), unpack(done))
  if redis.call('EXISTS', key(board, 'cancelling')) == 1 then redis.call('SREM', key(board, 'cancelling'), unpack(done)) end
  history.trim(board)
  counters.add(board, 'done', #done)
  write_jobs(batch)
  clear(batch)
end

return completions
