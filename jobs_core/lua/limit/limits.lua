-- How many tasks may run at once, and how many may start in a period: of a job (its own options), of a queue or of a
-- runner (`{b}:limits`). A limit is named job:<id>, queue:<name> or runner:<name>.
--
-- `{b}:running:<limit>` is the set of tokens that count; `{b}:rate:<limit>` has the times of the latest starts, the
-- oldest first; `{b}:held:<limit>` the tasks that JPOP met and could not let start, in order; `{b}:held` names the
-- limits that hold any, `{b}:ready` those that may have room for them. `{b}:gates` has, for a limit on a rate, when it
-- may let the next one start.

local key = require('base.keys').key
local lanes = require 'queue.lanes'
local records = require 'queue.records'

local limits = {}

-- A limit as it is kept: concurrency, n and period (ms), each - when there is none.
local function read_limit(name, text)
  local concurrency, n, period = text:match('^(%S+) (%S+) (%S+)$')
  return { name = name, concurrency = tonumber(concurrency), n = tonumber(n), period = tonumber(period) }
end

-- Write n per period as people do: 100/60 is a hundred a minute. Returns n, period in ms.
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

-- The limit of a queue or runner, if it has one.
function limits.shared(board, name)
  local text = redis.call('HGET', key(board, 'limits'), name)
  return text and read_limit(name, text) or nil
end

-- Every limit that a task is under; `any` says whether the board has limits of queues and runners.
function limits.of_task(board, task, any)
  local found = { limits.of_job(task) }
  if not any then return found end
  found[#found + 1] = limits.shared(board, 'queue:' .. lanes.split(task.lane))
  found[#found + 1] = limits.shared(board, 'runner:' .. task.runner)
  return found
end

return limits
