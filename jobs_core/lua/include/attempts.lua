--- @include "head"

-- The history of a task, in its record: one entry for each attempt, the last 20 at most, separated by tabs. An entry
-- is `status ms worker code note`, with - for what is not known. While a task is leased, the last entry is the attempt
-- that is under way, `leased` or `accepted`. Others are `failed`, `lost` (its worker fell silent) or `expired`
-- (accepted, and no answer came); a ? after it says that no policy has seen it yet: whoever takes the task decides.

local KEPT = 20

-- The first bytes of a text, without half a character at the end.
local function cut(text, length)
  local first = text:sub(1, length)
  if not text:find('^[\128-\191]', length + 1) then return first end
  return (first:gsub('[\192-\255][\128-\191]*$', ''))
end

local function plain(text, length)
  return text and text ~= '' and cut(text:gsub('%c', ' '), length) or nil
end

local function entry(status, now, worker, code, note)
  local code_word = plain(code, 64)
  return table.concat({ status, digits(now), worker, code_word and code_word:gsub(' ', '_') or '-', plain(note, 200) or '' }, ' ')
end

-- Answers the entries before the last, and the last.
local function split_history(history)
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
local function begin_attempt(task, worker, now)
  task.history = join_history(task.history, entry('leased', now, worker))
end

-- The attempt under way: status, since (ms), worker, code, note.
local function current_attempt(task)
  local _, last = split_history(task.history)
  local status, since, worker, code, note = last:match('^(%S+) (%S+) (%S+) (%S+) (.*)$')
  return status, tonumber(since or nil), worker or '-', code, note
end

-- Say what became of the attempt under way, or where it stands.
local function note_attempt(task, status, now, code, note)
  local before, _ = split_history(task.history)
  local _, _, worker = current_attempt(task)
  task.history = join_history(before, entry(status, now, worker, code, note))
end

-- Forget the attempt under way: it does not count.
local function undo_attempt(task)
  task.history = split_history(task.history)
end

-- The policy has been asked about all there was.
local function mark_decided(task)
  task.history = task.history:gsub('^(%S+)%?', '%1'):gsub('\t(%S+)%?', '\t%1')
end

-- How often a task was lost.
local function losses(task)
  local _, n = ('\t' .. task.history):gsub('\tlost', '')
  return n
end

-- Whether the attempt before may have done its work, unheard: to hand the task out is to run it again.
local function is_doubled(task)
  if task.history == '' then return false end
  local _, last = split_history(task.history)
  return last:find('^lost%?') ~= nil or last:find('^expired%?') ~= nil
end
