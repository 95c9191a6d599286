-- A push that may be sent twice is remembered, so that it adds one task. `unique-for` recognizes it by its runner, payload and
-- queue, and `idempotency-key` by a key that its sender has chosen. A digest of these is the name in Redis. Its value has the
-- time until which the push is remembered (ms), the task's id, and with a key, a digest of what was pushed.

local arguments = require 'base.arguments'
local fail_option = require('base.errors').fail_option
local key = require('base.keys').key
local digits = require('base.numbers').digits
local duration = require 'time.duration'

local repeated_pushes = {}

local KEY_MS = 86400000  -- how long a key is remembered
local MAX_KEY = 255  -- bytes

local function digest(...)
  return redis.sha1hex(table.concat({ ... }, '\n'))
end

local function read_key(board, text, ...)
  if text == '' then fail_option('idempotency-key', 'expected a key, got none') end
  arguments.check_text('idempotency-key', text, MAX_KEY)
  return { name = key(board, 'idempotent:' .. redis.sha1hex(text)), ms = KEY_MS, content = ' ' .. digest(...) }
end

-- Return the mark that recognizes a run of a job, or nothing if it may be repeated. No runner is empty, so no one-off task has
-- the same digest.
function repeated_pushes.of_job(board, id, options)
  local text = options['idempotency-key']
  return text and read_key(board, text, '', id)
end

-- Return the mark that recognizes a one-off task, or nothing if it may be repeated.
function repeated_pushes.of_task(board, runner, payload, queue, options)
  local text, period = options['idempotency-key'], options['unique-for']
  if text and period then fail_option('idempotency-key', 'cannot be combined with unique-for') end
  if text then return read_key(board, text, runner, payload) end
  if not period then return nil end
  return { name = key(board, 'unique:' .. digest(runner, queue, payload)), ms = duration.ms('unique-for', period), content = '' }
end

-- Return the task of an earlier push with the same mark, if there is one. The stored time decides, because the expiry of the
-- key in Redis ignores `now`.
function repeated_pushes.find(mark, now)
  local till, task, content = (mark and redis.call('GET', mark.name) or ''):match('^(%d+) (%S+)(.*)$')
  if not till or tonumber(till) <= now then return nil end
  if content ~= mark.content then fail_option('idempotency-key', 'used for another push') end
  return task
end

-- Remember the task that a push has added.
function repeated_pushes.remember(mark, now, task)
  if not mark then return end
  redis.call('SET', mark.name, digits(now + mark.ms) .. ' ' .. task .. mark.content, 'PX', digits(mark.ms + 1000))
end

return repeated_pushes
