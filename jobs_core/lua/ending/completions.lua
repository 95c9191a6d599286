-- Records tasks that are done, which is what most reports say. Reads and writes them in batches.

local clock = require 'base.clock'
local key = require('base.keys').key
local ended_tasks = require 'ending.ended_tasks'
local events = require 'ending.events'
local counters = require 'ledger.counters'
local history = require 'ledger.history'
local release = require 'limit.release'
local leases = require 'queue.leases'
local open_runs = require 'queue.open_runs'
local records = require 'queue.records'

local completions = {}

local WRITE_SIZE = 500  -- tasks per write
local READ_SIZE = 20  -- tasks per read: payloads may be large

-- The state of a call that reports on tasks. `tokens` are in the order of the reports.
function completions.new(board, tokens)
  return {
    board = board, now = clock.now(), has_limits = redis.call('EXISTS', key(board, 'limits')) == 1,
    tokens = tokens, at = 0, stored = {},  -- tasks that are read and not yet reported
    -- Tasks that are done: their tokens, ids, times and the fields of their events, in order.
    done = {}, ids = {}, times = {}, fields = {}, ended = {},
  }
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

-- End a task that stores its output or may be under limits.
local function add_with_details(batch, token, stored, fields)
  local task = leases.read(stored)
  release.free_slot(batch.board, task, token)
  events.record(batch.board, task, task.attempt, 'done', fields)
  return task.id
end

-- Record that the task of a token is done. Returns its id, or nothing if the token holds no task.
function completions.add(batch, token, fields, now)
  local stored = find(batch, token)
  if not stored then return nil end
  local id, is_plain = leases.peek(stored)
  if not id then return leases.find(batch.board, token) and nil end  -- sets the record aside
  if is_plain and not batch.has_limits then
    history.append(batch.board, id, '1', 'done', fields)
  else
    add_with_details(batch, token, stored, fields)
  end
  local n = #batch.done + 1
  batch.done[n], batch.ids[n], batch.times[n], batch.ended[token] = token, id, now or batch.now, true
  batch.fields[n] = fields
  if n == WRITE_SIZE then completions.write(batch) end
  return id
end

-- Count the ended tasks of each job on the board. Returns the counts, and the jobs in order.
local function count_by_job(ids)
  local counts, jobs = {}, {}
  for i = 1, #ids do
    if not ids[i]:find('^push:%d') then
      local job = records.job_of(ids[i])
      if not counts[job] then jobs[#jobs + 1] = job end
      counts[job] = (counts[job] or 0) + 1
    end
  end
  return counts, jobs
end

-- Whether any of these jobs has a key with this prefix. Usually none has.
local function any_exists(board, prefix, jobs)
  local names = {}
  for i = 1, #jobs do names[i] = key(board, prefix .. jobs[i]) end
  return redis.call('EXISTS', unpack(names)) > 0
end

local function write_jobs(batch)
  local board, counts, jobs = batch.board, count_by_job(batch.ids)
  if #jobs == 0 then return end
  counters.add_for_jobs(board, 'done', jobs, counts)
  local have_runs, have_dependents = any_exists(board, 'open:', jobs), any_exists(board, 'after:', jobs)
  for i = 1, #batch.ids do
    local id = batch.ids[i]
    if have_runs then open_runs.remove(board, id) end
    if have_dependents then ended_tasks.record(board, id, 'done', batch.times[i], batch.fields[i]) end
  end
end

-- Write all recorded endings.
function completions.write(batch)
  local board, done = batch.board, batch.done
  if #done == 0 then return end
  redis.call('ZREM', key(board, 'leased'), unpack(done))
  redis.call('HDEL', key(board, 'task'), unpack(done))
  if redis.call('EXISTS', key(board, 'cancelling')) == 1 then redis.call('SREM', key(board, 'cancelling'), unpack(done)) end
  counters.add(board, 'done', #done)
  write_jobs(batch)
  batch.done, batch.ids, batch.times, batch.fields = {}, {}, {}, {}
end

return completions
