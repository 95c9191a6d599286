-- `{b}:open:<job>` is the set of a job's tasks that have not ended, kept only for a job with an `overlap` of its own:
-- its next occurrence goes by them.

local key = require('base.keys').key
local records = require 'queue.records'

local open_runs = {}

function open_runs.add(board, job, task)
  redis.call('SADD', key(board, 'open:' .. job), task)
end

-- A task has ended, whatever came of it.
function open_runs.remove(board, task)
  redis.call('SREM', key(board, 'open:' .. records.job_of(task)), task)
end

return open_runs
