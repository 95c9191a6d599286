-- The lines of a job's record in `{b}:runs` (see run_records.lua):
--
--   outcome moment started ended attempts worker [code held note]     a run that ended: done, dead, cancelled or unleased
--   outcome through due count reason                                  occurrences without a run: skipped or coalesced
--
-- `moment` is the part of the task's id after the @. `started`, `ended`, `through` and `due` are in ms. `held` is the
-- limit that held the task, and since when: limit@ms. What is unknown is -.

local strings = require 'base.strings'

local run_lines = {}

local MAX_CODE, MAX_NOTE = 64, 200

-- Return the code and the note among the fields of an event. Each may be nothing.
function run_lines.code_and_note(fields)
  local code, note
  for at = 1, #fields, 2 do
    if fields[at] == 'code' then code = fields[at + 1] elseif fields[at] == 'note' then note = fields[at + 1] end
  end
  return code, note
end

-- Return the end of a line: code, held and note. Each may be nothing.
function run_lines.details(code, held, note)
  if not (code or held or note) then return '\n' end
  code = code and strings.cut(code:gsub('[%s%c]', '_'), MAX_CODE)
  note = note and strings.shorten(note:gsub('%c', ' '), MAX_NOTE)
  return ' ' .. (code and code ~= '' and code or '-') .. ' ' .. (held or '-') .. ' ' .. (note or '') .. '\n'
end

-- Return the line of a run. `started` and `ended` are in ms, as text, or -.
function run_lines.of_run(outcome, moment, started, ended, attempts, worker, details)
  return outcome .. ' ' .. moment .. ' ' .. started .. ' ' .. ended .. ' ' .. attempts .. ' ' .. worker .. details
end

-- Return the line of occurrences without a run: an item with what, due and through (ms as text), n and why.
function run_lines.of_missed(item)
  return table.concat({ item.what, item.through, item.due, item.n, item.why }, ' ') .. '\n'
end

-- Return the line with an item's occurrences added to it; nothing if it is of another kind.
function run_lines.merge_missed(line, item)
  local what, due, count, why = line:match('^(%l+) %d+ (%d+) (%d+) (%S+)\n$')
  if what ~= item.what or why ~= item.why then return nil end
  return run_lines.of_missed({ what = what, due = due, through = item.through, n = count + item.n, why = why })
end

-- Return when the run of a line was due, or the first of its occurrences without a run, and when it ended if it was done, in
-- ms; nothing for an invalid line.
function run_lines.times(line)
  local outcome, moment, second, third = line:match('^(%l+) (%d+)%S* (%S+) (%S+)')
  if outcome == 'done' then return tonumber(moment), tonumber(third) end
  if outcome == 'skipped' or outcome == 'coalesced' then return tonumber(second) end
  return tonumber(moment or nil)
end

local function known(word)
  return word ~= '' and word ~= '-' and word or nil
end

local function seconds(word)
  local ms = tonumber(word)
  return ms and ms / 1000
end

local function read_missed(outcome, through, rest)
  local due, count, reason = rest:match('^ (%d+) (%d+) (%S+)$')
  if not due then return nil end
  return { outcome = outcome, due = due / 1000, through = through / 1000, count = tonumber(count), reason = reason }
end

local function read_held(held)
  local limit, since = (held or ''):match('^(.*)@(%d+)$')
  return limit and { limit = limit, since = since / 1000 } or nil
end

-- Read a line. Returns a table with times in seconds, as JRUNS shows it; nothing if the line is invalid.
function run_lines.read(job, line)
  local outcome, due, suffix, rest = line:match('^(%l+) (%d+)(%S*)(.*)$')
  if outcome == 'skipped' or outcome == 'coalesced' then return read_missed(outcome, due, rest) end
  local started, ended, attempts, worker, more = (rest or ''):match('^ (%S+) (%S+) (%d+) (%S+)(.*)$')
  if not started then return nil end
  local code, held, note = more:match('^ (%S+) (%S+) (.*)$')
  return {
    task = job .. '@' .. due .. suffix, outcome = outcome, due = due / 1000, started = seconds(started),
    ended = seconds(ended), attempts = tonumber(attempts), worker = known(worker), code = code and known(code),
    held = read_held(held), note = note and known(note),
  }
end

return run_lines
