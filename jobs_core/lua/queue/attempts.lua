-- The history of a task, in its record: one entry for each attempt, the last 20 at most, separated by tabs. An entry
-- is `status ms worker code note`, with - for what is not known. While a task is leased, the last entry is the attempt
-- that is under way, `leased` or `accepted`. Others are `failed`, `lost` (its worker fell silent) or `expired`
-- (accepted, and no answer came); a ? after it says that no policy has seen it yet: whoever takes the task decides.

local digits = require('base.numbers').digits
local strings = require 'base.strings'

local attempts = {}

local KEPT = 20

local function plain(text, length)
  return text and text ~= '' and strings.cut(text:gsub('%c', ' '), length) or nil
end

local function entry(status, now, worker, code, note)
  local code_word = plain(code, 64)
  return table.concat({ status, digits(now), worker, code_word and code_word:gsub(' ', '_') or '-', plain(note, 200) or '' }, ' ')
end

-- Answers the entries before the last, and the last.
function attempts.split(history)
  local before, last = history:match('^(.*)\t([^\t]*)$')
  if before then return before, last end
  return '', history
end

local function join_history(before, last)
  if before == '' then return last end
  if last == '' then return before end
  local _, tabs = before:gsub('\t', '')
  if tabs >= KEPT - 1 then before = before:match('^[^\t]*\t(.*)$') end
  return before .. '\t' .. last
end

-- Begin an attempt, in the hands of a worker.
function attempts.begin(task, worker, now)
  task.history = join_history(task.history, entry('leased', now, worker))
end

-- The attempt under way: status, since (ms), worker, code, note.
function attempts.current(task)
  local _, last = attempts.split(task.history)
  local status, since, worker, code, note = last:match('^(%S+) (%S+) (%S+) (%S+) (.*)$')
  return status, tonumber(since or nil), worker or '-', code, note
end

-- Say what became of the attempt under way, or where it stands.
function attempts.set_current(task, status, now, code, note)
  local before, _ = attempts.split(task.history)
  local _, _, worker = attempts.current(task)
  task.history = join_history(before, entry(status, now, worker, code, note))
end

-- Forget the attempt under way: it does not count.
function attempts.undo(task)
  task.history = attempts.split(task.history)
end

-- The policy has been asked about all there was.
function attempts.mark_decided(task)
  task.history = task.history:gsub('^(%S+)%?', '%1'):gsub('\t(%S+)%?', '\t%1')
end

-- How often a task was lost.
function attempts.count_lost(task)
  local _, n = ('\t' .. task.history):gsub('\tlost', '')
  return n
end

-- Whether the attempt before may have done its work, unheard: to hand the task out is to run it again.
function attempts.may_have_run(task)
  if task.history == '' then return false end
  local _, last = attempts.split(task.history)
  return last:find('^lost%?') ~= nil or last:find('^expired%?') ~= nil
end

return attempts
