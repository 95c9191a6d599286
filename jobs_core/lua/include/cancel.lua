--- @include "ending"
--- @include "history"

-- Cancel what a worker holds.

local INBOX = 3600  -- seconds that a message waits for a worker that may be gone

-- Tell the worker that holds a token to stop the run.
local function stop_run(board, token, worker)
  redis.call('SADD', key(board, 'cancelling'), token)
  if worker ~= '-' then
    redis.call('RPUSH', key(board, 'inbox:' .. worker), token)
    redis.call('EXPIRE', key(board, 'inbox:' .. worker), INBOX)
  end
end

-- Cancel a task that is held under a token. It ends when its worker says so; one that was accepted, of which no worker
-- will, ends at once. Answers the task if it has ended.
local function cancel_held(board, token, now)
  local task = read_record(redis.call('HGET', key(board, 'task'), token))
  local status, _, worker = current_attempt(task)
  if status ~= 'accepted' then return stop_run(board, token, worker) end
  take_back(board, token)
  finish(board, token, task, 'cancelled', now)
  tell(board, task, task.attempt, 'cancelled', {})
  return task
end
