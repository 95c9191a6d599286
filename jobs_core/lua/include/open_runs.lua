--- @include "record"

-- `{b}:open:<job>` is the set of a job's tasks that have not ended, kept only for a job with an `overlap` of its own:
-- its next occurrence goes by them.

local function open_run(board, job, task)
  redis.call('SADD', key(board, 'open:' .. job), task)
end

-- A task has ended, whatever came of it.
local function close_run(board, task)
  redis.call('SREM', key(board, 'open:' .. task_job(task)), task)
end
