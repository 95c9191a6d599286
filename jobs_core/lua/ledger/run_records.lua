-- A job's record in `{b}:runs`: a header, and the lines of its latest runs (see run_lines.lua), newest last.
--
--   lines failures first dropped last_done        with - for none; times in ms
--
-- `lines` and `failures` have four digits each, so that they are read without a pattern. `failures` counts the runs that
-- died since the last one that was done. `first` is when the first recorded run was due, `dropped` when the latest was due
-- that was dropped, and `last_done` when the last one that was done ended.

local run_lines = require 'ledger.run_lines'

local run_records = {}

local HEADER = '^(%d%d%d%d) (%d%d%d%d) (%S+) (%S+) (%S+)\n()'
local AFTER_FAILURES = 10
local MOST_FAILURES = 9999
local LAST = '^(.*\n)(%l+ [^\n]+\n)$'  -- all but the last line, and the last line

-- Drop the oldest of `n` lines, which begin at `at`: down to `most` lines in `size` bytes. Returns how many are left, where
-- they begin, and when the latest dropped one was due; nothing if a line is invalid.
local function drop_lines(record, n, at, most, size)
  local dropped
  while n > most or #record - at >= size and n > 1 do
    local line_end = record:find('\n', at, true)
    if not line_end then return nil end
    n, dropped, at = n - 1, at, line_end + 1
  end
  local due = dropped and record:match('^%l+ (%d+)', dropped)
  if dropped and not due then return nil end
  return n, at, due
end

local function four_digits(number)
  return string.format('%04d', number)
end

-- Return the number of failures in a row, as text, after a run that ended with an outcome.
local function count_failures(failures, outcome)
  if outcome == 'done' then return '0000' end
  if outcome ~= 'dead' then return failures end
  local n = tonumber(failures)
  return n and four_digits(math.min(n + 1, MOST_FAILURES))
end

-- Return the later of two times as text. The runs of a backfill end after later ones.
local function latest(due, before)
  if not due or before ~= '-' and tonumber(before) > tonumber(due) then return before end
  return due
end

-- Return a record with a line added, and how many failures in a row it has now and had before, as text. It keeps the `most`
-- latest lines. Returns nothing if the record is invalid. Most endings call this for a record that is full.
function run_records.add(record, line, outcome, ended, most)
  local n, before, header_end = tonumber(record:sub(1, 4)), record:sub(6, 9), record:find('\n', AFTER_FAILURES, true)
  local first_end = record:find(' ', AFTER_FAILURES + 1, true)
  local dropped_end = first_end and record:find(' ', first_end + 1, true)
  local failures = count_failures(before, outcome)
  if not (n and failures and dropped_end and header_end and header_end > dropped_end) then return nil end
  local left, at, due = drop_lines(record, n, header_end + 1, most - 1, math.huge)
  if not left then return nil end
  left = left + 1
  local head = (left == n and failures == before) and record:sub(1, first_end)
    or four_digits(left) .. ' ' .. failures .. record:sub(AFTER_FAILURES, first_end)
  return head .. latest(due, record:sub(first_end + 1, dropped_end - 1)) .. ' '
    .. (outcome == 'done' and ended or record:sub(dropped_end + 1, header_end - 1)) .. '\n' .. record:sub(at) .. line,
    failures, before
end

-- Return a record of one line, and its failures in a row.
function run_records.new(line, outcome, ended)
  local failures, last_done = outcome == 'dead' and '0001' or '0000', outcome == 'done' and ended or '-'
  return '0001 ' .. failures .. ' ' .. line:match('%d+') .. ' - ' .. last_done .. '\n' .. line, failures
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
  return table.concat({ four_digits(left), failures, first, latest(due, dropped), last_done }, ' ') .. '\n' .. record:sub(from)
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
