-- A job's record in `{b}:runs`: a header, and the lines of its latest runs (see run_lines.lua), newest last.
--
--   lines failures first dropped last_done        with - for none; times in ms
--
-- `failures` counts the runs that died since the last one that was done. `first` is when the first recorded run was due,
-- `dropped` when the latest was due that was dropped, and `last_done` when the last one that was done ended.

local digits = require('base.numbers').digits
local run_lines = require 'ledger.run_lines'

local run_records = {}

local HEADER = '^(%d+) (%d+) (%S+) (%S+) (%S+)\n()'
local NEXT = '^%l+ (%d+)[^\n]*\n()'  -- a line: when it was due, and where the next one begins
local LAST = '^(.*\n)(%l+ [^\n]+\n)$'  -- all but the last line, and the last line

-- Drop the oldest lines but the last, down to `most` lines in `size` bytes. Returns how many are left, where they begin,
-- and when the latest dropped one was due; nothing if a line is invalid.
local function drop_lines(record, n, at, most, size)
  local due
  while n > 1 and (n > most or #record - at >= size) do
    n, due, at = n - 1, record:match(NEXT, at)
    if not at then return nil end
  end
  return n, at, due
end

-- Return a record with a line added, and how many failures in a row it has now and had before, as text. It keeps the `most`
-- latest lines. Returns nothing if the record is invalid.
function run_records.add(record, line, outcome, ended, most)
  local n, failures, first, dropped, last_done, at = record:match(HEADER)
  if not n then return nil end
  local before, due = failures, nil
  n = n + 1
  if n > most then
    n, at, due = drop_lines(record .. line, n, at, most, math.huge)
    if not n or at > #record + 1 then return nil end
    dropped = due
  end
  if outcome == 'done' then
    failures, last_done = '0', ended
  elseif outcome == 'dead' then
    failures = digits(failures + 1)
  end
  return n .. ' ' .. failures .. ' ' .. first .. ' ' .. dropped .. ' ' .. last_done .. '\n' .. record:sub(at) .. line,
    failures, before
end

-- Return a record of one line, and its failures in a row.
function run_records.new(line, outcome, ended)
  local failures, last_done = outcome == 'dead' and '1' or '0', outcome == 'done' and ended or '-'
  return '1 ' .. failures .. ' ' .. line:match('%d+') .. ' - ' .. last_done .. '\n' .. line, failures
end

-- Return a record whose last line also counts these missed occurrences; nothing if that line is of another kind.
function run_records.merge_missed(record, item)
  local before, last = record:match(LAST)
  local merged = last and run_lines.merge_missed(last, item)
  return merged and before .. merged
end

-- Return a record cut to `size` bytes, but with its last line.
function run_records.shrink(record, size)
  local n, failures, first, dropped, last_done, at = record:match(HEADER)
  if not n then return record end
  local left, from, due = drop_lines(record, tonumber(n), at, math.huge, size - at)
  if not left then return record end
  return left .. ' ' .. failures .. ' ' .. first .. ' ' .. (due or dropped) .. ' ' .. last_done .. '\n' .. record:sub(from)
end

local function seconds(word)
  local ms = tonumber(word)
  return ms and ms / 1000
end

-- Read a record. Returns its header, with times in seconds, and its lines, oldest first; nothing if it is invalid.
function run_records.read(record)
  local _, failures, first, dropped, last_done, at = record:match(HEADER)
  if not at then return nil end
  local lines = {}
  for line in record:sub(at):gmatch('[^\n]+') do lines[#lines + 1] = line end
  return {
    failures = tonumber(failures), first = seconds(first), dropped_through = seconds(dropped), last_done = seconds(last_done),
  }, lines
end

return run_records
