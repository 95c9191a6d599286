-- The text of a job's runs: a line for each, newest last (see run_lines.lua). Before them may be a header:
--
--   kept own first dropped last_done        times in ms, with - for none
--
-- `own` is how many runs the job asks for, if it does; `first` is when the first recorded run was due, `dropped` when the
-- latest was due that was dropped, and `last_done` when the last one of these ended that was done.

local run_lines = require 'ledger.run_lines'

local run_texts = {}

local HEADER = '^kept (%S+) (%S+) (%S+) (%S+)\n()'

local function known(word)
  return word ~= '-' and tonumber(word) or nil
end

-- Split a text. Returns its header, as a table of numbers, and where the lines begin.
local function split(text)
  local own, first, dropped, last_done, at = text:match(HEADER)
  if not at then return {}, 1 end
  return { own = known(own), first = known(first), dropped = known(dropped), last_done = known(last_done) }, at
end

local function later(a, b)
  return a and b and math.max(a, b) or a or b
end

local function written(number)
  return number and string.format('%.0f', number) or '-'
end

local function write_header(header)
  local words = { 'kept', written(header.own), written(header.first), written(header.dropped), written(header.last_done) }
  return table.concat(words, ' ') .. '\n'
end

-- Return a text whose header says how many runs the job asks for; nothing, if it does not.
function run_texts.set_own(text, own)
  local header, at = split(text)
  header.own = own
  return write_header(header) .. text:sub(at)
end

-- Note lines that are dropped in a header. The runs of a backfill end after runs that were due later.
local function note_dropped(header, lines)
  local latest = header.dropped and written(header.dropped) or ''
  for due in lines:gmatch('%l+ (%d+)[^\n]*\n') do
    if #due > #latest or #due == #latest and due > latest then latest = due end
  end
  header.first = header.first or run_lines.times(lines)
  header.dropped = tonumber(latest)
  header.last_done = later(header.last_done, tonumber(('\n' .. lines):match('^.*\ndone %S+ %S+ (%d+)') or nil))
end

-- Return the text without its oldest lines, but with the last: at most `most` lines, or as many as the job asks for, in `size`
-- bytes.
function run_texts.trim(text, most, size)
  local header, at = split(text)
  local ends, n, kept = {}, 0, header.own or most
  local line_end = text:find('\n', at, true)
  while line_end do
    n = n + 1
    ends[n], line_end = line_end, text:find('\n', line_end + 1, true)
  end
  local dropped = math.max(0, n - kept)
  while dropped < n - 1 and #text - (ends[dropped] or at) >= size do dropped = dropped + 1 end
  dropped = math.min(dropped, n - 1)
  if dropped <= 0 then return text end
  note_dropped(header, text:sub(at, ends[dropped]))
  return write_header(header) .. text:sub(ends[dropped] + 1)
end

-- Return a text whose last line also counts these missed occurrences; nothing if that line is of another kind.
function run_texts.merge_missed(text, item)
  local last = text:match('^.*\n([^\n]*\n)$') or text
  local merged = last and run_lines.merge_missed(last, item)
  return merged and text:sub(1, -#last - 1) .. merged
end

-- Read a text. Returns a table with first, dropped_through and last_done, in seconds, and the lines that are kept, oldest
-- first: `most`, or as many as the job asks for. Returns nothing if that is none.
function run_texts.read(text, most)
  if (split(text).own or most) == 0 then return nil end
  text = run_texts.trim(text, most, math.huge)
  local header, at = split(text)
  local first, last_done, lines = header.first, header.last_done, {}
  for line in text:sub(at):gmatch('[^\n]+') do
    local due, ended = run_lines.times(line)
    first, last_done = first or due, later(last_done, ended)
    lines[#lines + 1] = line
  end
  local function seconds(ms) return ms and ms / 1000 end
  return { first = seconds(first), dropped_through = seconds(header.dropped), last_done = seconds(last_done) }, lines
end

-- Read the last line alone if it is of a run that was done, as most are; else do the same as `read`.
function run_texts.read_end(text, most)
  local line = text:match('^.*\n(done [^\n]+)\n$') or text:match('^(done [^\n]+)\n$')
  local _, ended = run_lines.times(line or '')
  if not ended or most == 0 or text:find('^kept 0 ') then return run_texts.read(text, most) end
  return { last_done = ended / 1000 }, { line }
end

return run_texts
