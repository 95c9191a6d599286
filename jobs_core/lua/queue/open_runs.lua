-- `{b}:open:<job>` is the set of a job's tasks that have not ended. It is kept only for jobs with `overlap`, which
-- decides by it whether the next occurrence runs.

local key = require('base.keys').key
local records = require 'queue.records'

local open_runs = {}

function open_runs.add(board, job, task)
  redis.call('SADD', key(board, 'open:' .. job), task)
end

-- Remove a task that has ended, in whatever way.
function open_runs.remove(board, task)
  redis.call('SREM', key(board, 'open:' .. records.job_of(task)), task)
end

return open_runs
