-- `{b}:runs` has a record of the latest runs of each job (see run_records.lua), another of older ones under `<job> older`,
-- and the bytes of all records under -, which no job can be named. `{b}:failing` sorts jobs by how many runs in a row have
-- died, while any has. Both are written by the script that ends a task. One-off tasks have no record.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local retention = require 'ledger.retention'
local run_lines = require 'ledger.run_lines'
local run_records = require 'ledger.run_records'
local bad_records = require 'queue.bad_records'

local runs = {}

local TOTAL, OLDER = '-', ' older'
local SHRINK_SIZE = 20  -- random records that one tick may shrink

-- Return how many lines the board keeps of each job, and how many bytes of all jobs.
function runs.bounds(board)
  local kept = redis.call('HMGET', key(board, 'settings'), 'runs', 'runs-bytes')
  return retention.number('runs', kept[1]) or 0, retention.number('runs-bytes', kept[2]) or math.huge
end

-- Return a batch of lines to write. `most` and `bound` are the board's.
function runs.new_batch(board)
  local most, bound = runs.bounds(board)
  return {
    board = board, most = most, bound = bound, kept = run_records.four_digits(most), jobs = {},  -- each job once
    stored = {}, older = {}, failing = {}, recovered = {},
  }
end

-- Read the records of the jobs in `batch.jobs`.
function runs.read(batch)
  local jobs = batch.jobs
  local n = #jobs
  jobs[n + 1] = TOTAL
  local found = redis.call('HMGET', key(batch.board, 'runs'), unpack(jobs))
  jobs[n + 1] = nil
  batch.found, batch.total = found, tonumber(found[n + 1] or nil) or 0
  for i = 1, n do batch.stored[jobs[i]] = found[i] end
end

-- Note the failures in a row of a job, if they have changed.
local function note_failures(batch, job, failures, before)
  if failures == before then return end
  if failures == '0000' then
    table.insert(batch.recovered, job)
  else
    table.insert(batch.failing, failures)
    table.insert(batch.failing, job)
  end
end

-- Note that lines, maybe none, go to the older ones of a job, of which `kept` (text) are kept.
local function move_lines(batch, job, lines, kept)
  batch.older[job] = { lines = (batch.older[job] and batch.older[job].lines or '') .. lines, kept = kept }
end

-- Times from 2001 to 2286 have 13 digits in ms. Return another as the nearest of these.
local function thirteen_digits(ms)
  return #ms < 13 and ('0'):rep(13 - #ms) .. ms or ('9'):rep(13)
end

-- Add the line of a run that ended at a time (ms as text). A record that cannot be read is set aside, and begun anew.
-- `own` is how many lines the job itself asks for, if it does.
function runs.add(batch, job, line, outcome, ended, own)
  if (own or batch.most) == 0 then return end
  if #ended ~= 13 then ended = thirteen_digits(ended) end
  local kept = own and run_records.four_digits(own) or batch.kept
  local stored, record, failures, before, moved = batch.stored[job], nil, nil, '0000', nil
  if stored then
    record, failures, before, moved = run_records.add(stored, line, outcome, ended, kept)
    if not record then bad_records.set_aside(batch.board, 'runs', stored, job) end
  end
  if not record then record, failures = run_records.new(line, outcome, ended, kept) end
  if moved then move_lines(batch, job, moved, kept) end
  batch.stored[job] = record
  if failures ~= before then note_failures(batch, job, failures, before) end
end

-- Add occurrences without a run: items with job, what (skipped or coalesced), due and through (ms as text), n and why, and
-- `own`, the number of lines that the job itself asks for, if it does. Those of one kind in a row become one line.
function runs.add_missed(board, items)
  local batch, is_known = runs.new_batch(board), {}
  for _, item in ipairs(items) do
    if (item.own or batch.most) > 0 and not is_known[item.job] then
      is_known[item.job] = true
      table.insert(batch.jobs, item.job)
    end
  end
  if #batch.jobs == 0 then return end
  runs.read(batch)
  for _, item in ipairs(items) do
    local stored = batch.stored[item.job]
    local merged = stored and run_records.merge_missed(stored, item)
    if merged then
      batch.stored[item.job] = merged
    elseif is_known[item.job] then
      runs.add(batch, item.job, run_lines.of_missed(item), item.what, item.through, item.own)
    end
  end
  runs.write(batch)
end

-- Add the older lines of jobs to the changes. Returns the growth of their records in bytes.
local function change_older(batch, name, changes, share)
  local fields, moves, growth = {}, {}, 0
  for job, move in pairs(batch.older) do fields[#fields + 1], moves[#moves + 1] = job .. OLDER, move end
  if #fields == 0 then return 0 end
  for i, before in ipairs(redis.call('HMGET', name, unpack(fields))) do
    local record = run_records.add_older(before or nil, moves[i].lines, moves[i].kept)
    if record and share and #record > share then record = run_records.shrink(record, share) end
    if record then
      changes[#changes + 1], changes[#changes + 2] = fields[i], record
    elseif before then
      redis.call('HDEL', name, fields[i])
    end
    growth = growth + #(record or '') - #(before or '')
  end
  return growth
end

-- Write the records that changed. If the board has more bytes of them than its bound, each shrinks to its share.
function runs.write(batch)
  local name, jobs, stored, found, total = key(batch.board, 'runs'), batch.jobs, batch.stored, batch.found, batch.total
  local share, changes, n = total > batch.bound and batch.bound / redis.call('HLEN', name), {}, 0
  for i = 1, #jobs do
    local job, before = jobs[i], found[i] or ''
    local record = stored[job]
    if record and record ~= before then
      if share then
        record = #record > share and run_records.shrink(record, share) or record
        if not batch.older[job] then move_lines(batch, job, '', record:sub(11, 14)) end
      end
      changes[n + 1], changes[n + 2], n = job, record, n + 2
      total = total + #record - #before
    end
  end
  if n == 0 then return end
  total = total + change_older(batch, name, changes, share)
  n = #changes
  changes[n + 1], changes[n + 2] = TOTAL, digits(total)
  redis.call('HSET', name, unpack(changes))
  if #batch.failing > 0 then redis.call('ZADD', key(batch.board, 'failing'), unpack(batch.failing)) end
  if #batch.recovered > 0 then redis.call('ZREM', key(batch.board, 'failing'), unpack(batch.recovered)) end
end

-- Return the records of the latest runs of jobs, or false where there is none.
function runs.recent_of(board, jobs)
  return redis.call('HMGET', key(board, 'runs'), unpack(jobs))
end

-- Return the records of jobs: for each two, or false where there is none.
function runs.records_of(board, jobs)
  local fields = {}
  for i, job in ipairs(jobs) do fields[2 * i - 1], fields[2 * i] = job, job .. OLDER end
  return redis.call('HMGET', key(board, 'runs'), unpack(fields))
end

-- Shrink some random records, if the board has more bytes of them than its bound.
function runs.shrink_some(board)
  local name = key(board, 'runs')
  local total = tonumber(redis.call('HGET', name, TOTAL) or 0)
  if total == 0 then return end
  local _, bound = runs.bounds(board)
  if total <= bound then return end
  local share, changes = bound / redis.call('HLEN', name), {}
  for _, job in ipairs(redis.call('HRANDFIELD', name, SHRINK_SIZE)) do
    local record = redis.call('HGET', name, job)
    local left = job ~= TOTAL and #record > share and run_records.shrink(record, share) or record
    if #left < #record then
      changes[#changes + 1], changes[#changes + 2], total = job, left, total + #left - #record
    end
  end
  if #changes > 0 then redis.call('HSET', name, TOTAL, digits(total), unpack(changes)) end
end

-- Remove the records of all jobs.
function runs.remove_all(board)
  redis.call('UNLINK', key(board, 'runs'), key(board, 'failing'))
end

-- Remove the record of a job.
function runs.remove(board, job)
  local name = key(board, 'runs')
  local size = redis.call('HSTRLEN', name, job) + redis.call('HSTRLEN', name, job .. OLDER)
  redis.call('ZREM', key(board, 'failing'), job)
  if size == 0 then return end
  redis.call('HDEL', name, job, job .. OLDER)
  redis.call('HINCRBY', name, TOTAL, -size)
end

return runs
