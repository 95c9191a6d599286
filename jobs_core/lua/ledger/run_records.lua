-- The records of a job in `{b}:runs`: a header, and the lines of runs (see run_lines.lua), newest last.
--
--   lines failures kept first dropped last_done        with - for none; times in ms
--
-- `lines`, `failures` and `kept` have four digits each, so that they are read without a pattern. `failures` counts the runs
-- that died since the last one that was done. `kept` is how many runs are kept of the job. `first` is when the first
-- recorded run was due, `dropped` when the latest was due that was dropped, and `last_done`, in 13 digits, when the last
-- one that was done ended.
--
-- A job has up to RECENT lines in one record, which every ending writes. When these are full, they move to another record,
-- for older ones.

local run_lines = require 'ledger.run_lines'

local run_records = {}

local RECENT = 8
local HEADER = '^(%d%d%d%d) (%d%d%d%d) (%d%d%d%d) (%S+) (%S+) (%S+)\n()'
local BEFORE_FIRST = 15  -- where the part with four digits each ends
local MOST_FAILURES = 9999
local ZERO = 48  -- the byte of the digit 0
local COUNTS = { '0001', '0002', '0003', '0004', '0005', '0006', '0007', '0008' }
local SMALL = COUNTS[RECENT]
local NEVER = '-------------'
local LAST = '^(.*\n)(%l+ [^\n]+\n)$'  -- all but the last line, and the last line

function run_records.four_digits(number)
  return string.format('%04d', number)
end

-- Return the due time of the line that begins at a place.
local function due_at(record, at)
  return record:match('^%l+ (%d+)', at)
end

-- Drop the oldest of `n` lines, which begin at `at`: down to `most` lines in `size` bytes. Returns how many are left, where
-- they begin, and when the latest dropped one was due; nothing if a line is invalid.
local function drop_lines(record, n, at, most, size)
  local dropped
  while n > most or #record - at >= size and n > 1 do
    local line_end = record:find('\n', at, true)
    if not line_end then return nil end
    n, dropped, at = n - 1, at, line_end + 1
  end
  local due = dropped and due_at(record, dropped)
  if dropped and not due then return nil end
  return n, at, due
end

-- Return the number of failures in a row, as text, after a run that ended with an outcome.
local function count_failures(failures, outcome)
  if outcome == 'done' then return '0000' end
  if outcome ~= 'dead' then return failures end
  local n = tonumber(failures)
  return n and run_records.four_digits(math.min(n + 1, MOST_FAILURES))
end

-- Return the later of two due times as text: nothing or - for none. The runs of a backfill end after runs that were due later.
local function later(due, other)
  if not due or due == '-' then return other end
  return other and other ~= '-' and tonumber(other) > tonumber(due) and other or due
end

-- Return the header with the latest dropped run changed, or nothing if it is invalid.
local function set_dropped(head, due)
  local first, before = head:match('^( %S+ )(%S+) $')
  return first and first .. later(due, before) .. ' '
end

-- Return a record with a line added, how many failures in a row it has now and had before, as text, and the lines that move
-- to the older ones, if any do, or if `kept` (text) has changed. `ended` has 13 digits. Returns nothing if the record is
-- invalid. This runs for most tasks that end.
function run_records.add(record, line, outcome, ended, kept)
  local n, header_end = (record:byte(4) or 0) - ZERO, record:find('\n', BEFORE_FIRST, true)
  local numbers = record:sub(5, 14)
  if n < 1 or n > RECENT or not header_end then return nil end
  local count, moved, dropped, rest = n + 1, nil, nil, record:sub(header_end + 1)
  if n == RECENT and kept > SMALL then
    count, moved, rest = 1, rest, ''
  elseif kept <= SMALL and n >= tonumber(kept) then
    local left, at, due = drop_lines(record, n, header_end + 1, tonumber(kept) - 1, math.huge)
    if not left then return nil end
    count, rest, dropped = left + 1, record:sub(at), due
  end
  local times = record:sub(BEFORE_FIRST, header_end - 14)
  times = dropped and set_dropped(times, dropped) or times
  if outcome == 'done' and numbers == ' 0000 ' .. kept then  -- as most are
    return COUNTS[count] .. numbers .. times .. ended .. '\n' .. rest .. line, '0000', '0000', moved
  end
  local before = numbers:match('^ (%d%d%d%d) ')
  if not before then return nil end
  if not numbers:find(kept, 7, true) then moved = moved or '' end
  local failures = count_failures(before, outcome)
  if outcome ~= 'done' then ended = record:sub(header_end - 13, header_end - 1) end
  return COUNTS[count] .. ' ' .. failures .. ' ' .. kept .. times .. ended .. '\n' .. rest .. line, failures, before, moved
end

-- Return when the run of a line was due, or the first of the occurrences without a run.
local function first_due(line, outcome)
  local is_missed = outcome == 'skipped' or outcome == 'coalesced'
  return is_missed and line:match('^%l+ %d+ (%d+)') or line:match('%d+')
end

-- Return a record of one line, and its failures in a row.
function run_records.new(line, outcome, ended, kept)
  local failures, last_done = outcome == 'dead' and '0001' or '0000', outcome == 'done' and ended or NEVER
  return '0001 ' .. failures .. ' ' .. kept .. ' ' .. first_due(line, outcome) .. ' - ' .. last_done .. '\n' .. line, failures
end

-- Return the record of older lines with some more, or nothing if none is to be kept. `before` is nothing, or the record so
-- far; one that is invalid is begun anew.
function run_records.add_older(before, lines, kept)
  local most = tonumber(kept)
  if most <= RECENT then return nil end
  local n, _, _, _, dropped, _, at = (before or ''):match(HEADER)
  local all = (at and before:sub(at) or '') .. lines
  local _, added = lines:gsub('\n', '')
  local left, from, due = drop_lines(all, (tonumber(n) or 0) + added, 1, most - 1, math.huge)
  if not left then left, from = added, #all - #lines + 1 end
  if left == 0 then return nil end
  return run_records.four_digits(left) .. ' 0000 ' .. kept .. ' - ' .. (later(due, dropped) or '-') .. ' ' .. NEVER .. '\n'
    .. all:sub(from)
end

-- Return a record whose last line also counts these missed occurrences; nothing if that line is of another kind.
function run_records.merge_missed(record, item)
  local before, last = record:match(LAST)
  local merged = last and run_lines.merge_missed(last, item)
  return merged and before .. merged
end

-- Return a record cut to `size` bytes, but with its last line.
function run_records.shrink(record, size)
  local n, failures, kept, first, dropped, last_done, at = record:match(HEADER)
  if not n then return record end
  local left, from, due = drop_lines(record, tonumber(n), at, math.huge, size - at)
  if not left then return record end
  return table.concat({ run_records.four_digits(left), failures, kept, first, later(due, dropped), last_done }, ' ') .. '\n'
    .. record:sub(from)
end

local function seconds(word)
  local ms = tonumber(word)
  return ms and ms / 1000
end

-- Drop the oldest lines from a list, but the last `most`. Returns the others, and when the latest dropped one was due.
local function last_lines(lines, most)
  local surplus = #lines - most
  if surplus <= 0 then return lines, nil end
  return { unpack(lines, surplus + 1) }, due_at(lines[surplus], 1)
end

-- Read the header of a record, with times in seconds, and its last line. Returns nothing if there is no record, or it is
-- invalid.
function run_records.read_end(record)
  local _, failures, _, first, _, last_done, at = (record or ''):match(HEADER)
  if not at then return nil end
  local found = { failures = tonumber(failures), first = seconds(first), last_done = seconds(last_done) }
  return found, record:match('^.*\n(%l+ [^\n]+)\n$')
end

-- Read the records of a job, the second of older lines or nothing. Returns the header, with times in seconds, and the lines,
-- oldest first; nothing if there is none, or it is invalid.
function run_records.read(record, older)
  local _, failures, kept, first, dropped, last_done, at = (record or ''):match(HEADER)
  if not at then return nil end
  local _, _, _, _, older_dropped, _, older_at = (older or ''):match(HEADER)
  local lines = {}
  for line in ((older_at and older:sub(older_at) or '') .. record:sub(at)):gmatch('[^\n]+') do lines[#lines + 1] = line end
  local shown, due = last_lines(lines, tonumber(kept))
  return {
    failures = tonumber(failures), first = seconds(first), last_done = seconds(last_done),
    dropped_through = seconds(later(due, later(older_dropped, dropped))),
  }, shown
end

return run_records
