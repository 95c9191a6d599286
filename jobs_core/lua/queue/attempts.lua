-- The attempts at a task. One that is under way is a line of its own before the record (`task.current`), and one that has
-- ended an entry of its history: the last 20 are kept, separated by tabs. Both read `status ms worker code note`, with -
-- for what is not known. Under way is `leased` or `accepted`, where the code is how far it is, in percent. The others are
-- `failed` or `lost` (its worker fell silent); a ? after it says that no policy has seen it yet: whoever takes the task
-- decides.

local digits = require('base.numbers').digits
local strings = require 'base.strings'

local attempts = {}

local KEPT = 20

local function plain(text, length, cut)
  return text and text ~= '' and cut((text:gsub('%c', ' ')), length) or nil
end

local function entry(status, now, worker, code, note)
  local word = plain(code, 64, strings.cut)
  local line = plain(note, 200, strings.shorten) or ''
  return table.concat({ status, digits(now), worker, word and word:gsub(' ', '_') or '-', line }, ' ')
end

-- The line of an attempt that begins now, in the hands of a worker.
function attempts.new(worker, now)
  return entry('leased', now, worker)
end

-- The attempt under way: status, since (ms), worker, code, note.
function attempts.current(task)
  local status, since, worker, code, note = task.current:match('^(%S+) (%S+) (%S+) (%S+) (.*)$')
  return status, tonumber(since), worker, code, note
end

-- Say where the attempt under way stands.
function attempts.update(task, status, since, progress, note)
  local _, _, worker = attempts.current(task)
  task.current = entry(status, since, worker, progress, note)
end

-- The attempt under way has ended: it becomes the last entry of the history.
function attempts.close(task, status, now, code, note)
  local _, _, worker = attempts.current(task)
  local last = entry(status, now, worker, code, note)
  task.current = nil
  if task.history == '' then
    task.history = last
    return
  end
  local _, tabs = task.history:gsub('\t', '')
  if tabs >= KEPT - 1 then task.history = task.history:match('^[^\t]*\t(.*)$') end
  task.history = task.history .. '\t' .. last
end

-- The policy has been asked about all that has ended.
function attempts.mark_decided(task)
  task.history = task.history:gsub('^(%S+)%?', '%1'):gsub('\t(%S+)%?', '\t%1')
end

-- How often a task was lost.
function attempts.count_lost(task)
  local _, n = ('\t' .. task.history):gsub('\tlost', '')
  return n
end

-- Whether the attempt before may have done its work without anybody hearing of it: another would do it again.
function attempts.may_have_run(task)
  return task.history:match('[^\t]*$'):find('^lost%?') ~= nil
end

return attempts
