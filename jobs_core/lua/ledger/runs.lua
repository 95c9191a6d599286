-- `{b}:runs:<job>` is a text with a line for each of the latest runs of a job, newest last (see run_lines.lua). `{b}:runs` is
-- the set of jobs that have one, and `runs` in `{b}:stats` has the bytes of all. They are written by the script that ends a
-- task. One-off tasks have no record.
--
-- A run only appends its line. Now and then, when a text has grown too long, its oldest lines are dropped: see run_texts.lua.

local key = require('base.keys').key
local retention = require 'ledger.retention'
local run_lines = require 'ledger.run_lines'
local run_texts = require 'ledger.run_texts'
local bad_records = require 'queue.bad_records'

local runs = {}

local USUAL_LINE = 56  -- bytes of a line without a note
local MIN_SPARE, MAX_SPARE = 8, 20  -- lines beyond those to keep, before the oldest are dropped
local REMOVED, SHRUNK = 50, 20  -- texts that one tick may remove or shrink

-- Return how many lines the board keeps of each job, and how many bytes of all jobs.
function runs.bounds(board)
  local kept = redis.call('HMGET', key(board, 'settings'), 'runs', 'runs-bytes')
  return retention.number('runs', kept[1]) or 0, retention.number('runs-bytes', kept[2]) or math.huge
end

-- Return the length in bytes from which the oldest lines of a text are dropped.
local function longest(kept)
  return (kept + math.max(MIN_SPARE, math.min(kept, MAX_SPARE))) * USUAL_LINE
end

-- Return a batch of lines to write. `most` and `bound` are the board's.
function runs.new_batch(board)
  local most, bound = runs.bounds(board)
  return {
    board = board, most = most, bound = bound, longest = longest(most), prefix = key(board, 'runs:'), n = 0, jobs = {},
    lines = {}, several = {}, own = {},
  }
end

-- Add the line of a run. `own` is how many lines the job itself asks for, if it does.
function runs.add(batch, job, line, own)
  if (own or batch.most) == 0 then return end
  local first = batch.lines[job]
  if not first then
    batch.n = batch.n + 1
    batch.jobs[batch.n], batch.lines[job] = job, line
  elseif batch.several[job] then
    table.insert(batch.several[job], line)
  else
    batch.several[job] = { first, line }
  end
  if own then batch.own[job] = own end
end

-- Return the lines of a job in a batch as one text: of many, those that are kept, and one more, from which it is known what
-- was dropped.
local function lines_of(batch, job)
  local several = batch.several[job]
  if not several then return batch.lines[job] end
  return table.concat(several, '', math.max(1, #several - (batch.own[job] or batch.most)))
end

-- Drop the oldest lines of a job's text beyond `most`, or what the job asks for, and beyond `size` bytes. Returns by how much
-- it has grown.
local function trim(name, most, size)
  local text = redis.call('GET', name)
  local left = run_texts.trim(text, most, size)
  if #left == #text then return 0 end
  redis.call('SET', name, left)
  return #left - #text
end

-- Note that a text is new. Returns its length.
local function begin(batch, name, job, lines)
  redis.call('SADD', key(batch.board, 'runs'), job)
  if not batch.own[job] then return #lines end
  local text = run_texts.set_own(lines, batch.own[job])
  redis.call('SET', name, text)
  return #text
end

-- Append lines to the text of a job. Returns by how many bytes it has grown.
local function append(batch, job, lines)
  local name = batch.prefix .. job
  local length = redis.pcall('APPEND', name, lines)
  if type(length) == 'table' then  -- another kind of value
    bad_records.set_aside(batch.board, 'runs', nil, job)
    redis.call('DEL', name)
    length = redis.call('APPEND', name, lines)
  end
  if length == #lines then return begin(batch, name, job, lines) end
  if length <= (batch.own[job] and longest(batch.own[job]) or batch.longest) then return #lines end
  return #lines + trim(name, batch.most, math.huge)
end

-- Shrink the texts of a batch to their share of the board's bound.
local function shrink(batch)
  local share, growth = batch.bound / redis.call('SCARD', key(batch.board, 'runs')), 0
  for i = 1, batch.n do
    local job = batch.jobs[i]
    growth = growth + trim(batch.prefix .. job, batch.most, share)
  end
  return growth
end

local function add_to_total(board, growth)
  return growth == 0 and 0 or redis.call('HINCRBY', key(board, 'stats'), 'runs', growth)
end

-- Write a batch of lines.
function runs.write(batch)
  if batch.n == 0 then return end
  local growth = 0
  for i = 1, batch.n do growth = growth + append(batch, batch.jobs[i], lines_of(batch, batch.jobs[i])) end
  if add_to_total(batch.board, growth) > batch.bound then add_to_total(batch.board, shrink(batch)) end
end

-- Add occurrences to the last line of a job, if that is of the same kind. Returns whether it is.
local function merge_missed(board, item)
  local name = key(board, 'runs:' .. item.job)
  local text = redis.call('EXISTS', name) == 1 and redis.pcall('GET', name)
  local merged = type(text) == 'string' and run_texts.merge_missed(text, item)
  if not merged then return false end
  redis.call('SET', name, merged)
  add_to_total(board, #merged - #text)
  return true
end

-- Add occurrences without a run: items with job, what (skipped or coalesced), due and through (ms as text), n and why, and
-- `own`, the number of lines that the job itself asks for, if it does. Those of one kind in a row become one line.
function runs.add_missed(board, items)
  local batch = runs.new_batch(board)
  for _, item in ipairs(items) do
    local is_kept = (item.own or batch.most) > 0
    if is_kept and (batch.lines[item.job] or not merge_missed(board, item)) then
      runs.add(batch, item.job, run_lines.of_missed(item), item.own)
    end
  end
  runs.write(batch)
end

-- Read the runs of some jobs, given as a list. Returns for each a table with `header`, what is known of all of its runs, and
-- `lines`, those that are kept, oldest first; empty if there is no record. Times are in seconds. `read` reads a text otherwise.
function runs.read_all(board, jobs, read)
  local names, found, most = {}, {}, runs.bounds(board)
  for i, job in ipairs(jobs) do names[i] = key(board, 'runs:' .. job) end
  local texts = redis.call('MGET', unpack(names))
  local failures = redis.call('ZMSCORE', key(board, 'failing'), unpack(jobs))
  for i = 1, #jobs do
    found[i] = {}
    if texts[i] then found[i].header, found[i].lines = (read or run_texts.read)(texts[i], most) end
    if found[i].header then found[i].header.failures = tonumber(failures[i] or 0) end
  end
  return found
end

-- Do the same, where the end of the lines is enough: `first` and `dropped_through` may be missing.
function runs.read_ends(board, jobs)
  return runs.read_all(board, jobs, run_texts.read_end)
end

-- Read the runs of a job: its header and lines, as above, or nothing.
function runs.read(board, job)
  local found = runs.read_all(board, { job })[1]
  return found.header, found.lines
end

-- Return the text of a job's runs as it is stored, or nothing.
function runs.text(board, job)
  if redis.call('SISMEMBER', key(board, 'runs'), job) == 0 then return nil end
  local text = redis.pcall('GET', key(board, 'runs:' .. job))
  return type(text) == 'string' and text or nil
end

-- Store the text of a job's runs in place of the one there is.
function runs.restore(board, job, text)
  local name = key(board, 'runs:' .. job)
  local growth = #text - redis.call('STRLEN', name)
  redis.call('SET', name, text)
  redis.call('SADD', key(board, 'runs'), job)
  add_to_total(board, growth)
end

-- Remove the record of a job.
function runs.remove(board, job)
  local name = key(board, 'runs:' .. job)
  redis.call('ZREM', key(board, 'failing'), job)
  if redis.call('SREM', key(board, 'runs'), job) == 0 then return end
  local size = redis.pcall('STRLEN', name)
  redis.call('UNLINK', name)
  add_to_total(board, type(size) == 'number' and -size or 0)
end

-- Change how many runs a job asks for: nothing, if it does not ask any more.
function runs.set_own(board, job, own)
  if own == 0 then return runs.remove(board, job) end
  local name = key(board, 'runs:' .. job)
  local text = redis.pcall('GET', name)
  if type(text) ~= 'string' then return end
  local changed = run_texts.set_own(text, own)
  redis.call('SET', name, changed)
  add_to_total(board, #changed - #text)
end

-- Remove some records, if the board keeps none, but not those of jobs that ask for them.
local function remove_some(board)
  for _, job in ipairs(redis.call('SRANDMEMBER', key(board, 'runs'), REMOVED)) do
    local text = redis.pcall('GET', key(board, 'runs:' .. job))
    if type(text) ~= 'string' or not run_texts.read(text, 0) then runs.remove(board, job) end
  end
end

-- Shrink some random records, if the board has more bytes of them than its bound.
local function shrink_some(board, most, bound)
  local total = tonumber(redis.call('HGET', key(board, 'stats'), 'runs') or 0)
  if total <= bound then return end
  local share, growth = bound / redis.call('SCARD', key(board, 'runs')), 0
  for _, job in ipairs(redis.call('SRANDMEMBER', key(board, 'runs'), SHRUNK)) do
    local name = key(board, 'runs:' .. job)
    if redis.call('EXISTS', name) == 1 then growth = growth + trim(name, most, share) end
  end
  add_to_total(board, growth)
end

-- At a tick: keep to the bounds, some records at a time.
function runs.tidy(board)
  if redis.call('EXISTS', key(board, 'runs')) == 0 then return end
  local most, bound = runs.bounds(board)
  if most == 0 then remove_some(board) else shrink_some(board, most, bound) end
end

return runs
