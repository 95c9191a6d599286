-- The attempts of a task. The current one is a line before the record (`task.current`). Those that have ended are entries
-- of the history, which keeps the last 20, separated by tabs. Both read `status ms worker code note`, with - for an
-- unknown value. The current one is `leased` or `accepted`, and its code is the progress in percent. The others are
-- `failed` or `lost` (the lease expired). A ? after the status means that no policy has seen the attempt yet. The worker
-- that takes the task next asks the policy.

local digits = require('base.numbers').digits
local strings = require 'base.strings'

local attempts = {}

local MAX_ENTRIES = 20

local function clean_text(text, length, cut)
  return text and text ~= '' and cut((text:gsub('%c', ' ')), length) or nil
end

local function format_entry(status, now, worker, code, note)
  local word = clean_text(code, 64, strings.cut)
  local line = clean_text(note, 200, strings.shorten) or ''
  return table.concat({ status, digits(now), worker, word and word:gsub(' ', '_') or '-', line }, ' ')
end

-- Return the line of an attempt that begins now.
function attempts.new(worker, now)
  return format_entry('leased', now, worker)
end

-- Return the current attempt: status, since (ms), worker, code, note.
function attempts.current(task)
  local status, since, worker, code, note = task.current:match('^(%S+) (%S+) (%S+) (%S+) (.*)$')
  return status, tonumber(since), worker, code, note
end

-- Update the current attempt.
function attempts.update(task, status, since, progress, note)
  local _, _, worker = attempts.current(task)
  task.current = format_entry(status, since, worker, progress, note)
end

-- End the current attempt: it becomes the last entry of the history, and `task.began` is when it began.
function attempts.close(task, status, now, code, note)
  local _, since, worker = attempts.current(task)
  task.began = since
  local last = format_entry(status, now, worker, code, note)
  task.current = nil
  if task.history == '' then
    task.history = last
    return
  end
  local _, tabs = task.history:gsub('\t', '')
  if tabs >= MAX_ENTRIES - 1 then task.history = task.history:match('^[^\t]*\t(.*)$') end
  task.history = task.history .. '\t' .. last
end

-- Return the last attempt that has ended: status, time (ms), worker, code, note; nothing if there is none.
function attempts.last(task)
  return task.history:match('[^\t]*$'):match('^(%S+) (%d+) (%S+) (%S+) (.*)$')
end

-- Remove each ?, once the policy has decided.
function attempts.mark_decided(task)
  task.history = task.history:gsub('^(%S+)%?', '%1'):gsub('\t(%S+)%?', '\t%1')
end

-- Return how many times a task was lost.
function attempts.count_lost(task)
  local _, n = ('\t' .. task.history):gsub('\tlost', '')
  return n
end

-- Whether the attempt before was lost. It may have done its work without anybody learning of it.
function attempts.follows_lost(task)
  return task.history:match('[^\t]*$'):find('^lost') ~= nil
end

return attempts
