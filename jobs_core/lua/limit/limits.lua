-- Limits on how many tasks may run at once, and how many may start in a period. A job has them in its options. Queues and
-- runners have them in `{b}:limits`. A limit is named job:<id>, queue:<name> or runner:<name>.
--
--   {b}:running:<limit>  a set: the tokens of tasks that count
--   {b}:rate:<limit>     a list: the times of the latest starts, oldest first
--   {b}:held:<limit>     a list: the tasks that JPOP could not start, in order
--   {b}:held             a set: the limits that hold tasks
--   {b}:ready            a set: the limits that may have room for held tasks
--   {b}:gates            a sorted set: when the next task may start under a rate

local key = require('base.keys').key
local lanes = require 'queue.lanes'
local records = require 'queue.records'

local limits = {}

-- Read a stored limit: concurrency, n and period (ms), with - for each that is not set.
local function read_limit(name, text)
  local concurrency, n, period = text:match('^(%S+) (%S+) (%S+)$')
  return { name = name, concurrency = tonumber(concurrency), n = tonumber(n), period = tonumber(period) }
end

-- Split a rate of n/seconds: 100/60 is a hundred a minute. Returns n and the period in ms.
function limits.split_rate(rate)
  local n, seconds = rate:match('^(%d+)/(%S+)$')
  return tonumber(n), tonumber(seconds) * 1000
end

function limits.of_job(task)
  local own = task.options
  if not (own.concurrency or own.rate) then return nil end
  local limit = { name = 'job:' .. records.job_of(task.id), concurrency = own.concurrency }
  if own.rate then limit.n, limit.period = limits.split_rate(own.rate) end
  return limit
end

-- Return the limit of a queue or runner, if it has one.
function limits.shared(board, name)
  local text = redis.call('HGET', key(board, 'limits'), name)
  return text and read_limit(name, text) or nil
end

-- Return every limit that applies to a task. `any` says whether the board has limits on queues and runners.
function limits.of_task(board, task, any)
  local found = { limits.of_job(task) }
  if not any then return found end
  found[#found + 1] = limits.shared(board, 'queue:' .. lanes.split(task.lane))
  found[#found + 1] = limits.shared(board, 'runner:' .. task.runner)
  return found
end

return limits
