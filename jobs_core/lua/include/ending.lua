--- @include "attempts"
--- @include "notes"
--- @include "room"
--- @include "tally"
--- @include "kept"
--- @include "requeue"
--- @include "open_runs"

-- What becomes of a task that was under way under a token. Each of these ends its hold.

-- End the lease of a task, which may come back to its lane at once. Answers the task, and whether somebody asked to
-- cancel it; or nothing when the token holds none.
local function take_back(board, token, comes_back)
  if redis.call('ZREM', key(board, 'leased'), token) == 0 then return nil end
  local task = read_record(redis.call('HGET', key(board, 'task'), token))
  local cancelled = redis.call('SREM', key(board, 'cancelling'), token) == 1
  make_room(board, task, token, comes_back and not cancelled)
  return task, cancelled
end

local ENDING = { succeeded = 'success', cancelled = 'cancelled' }

-- It has ended: `counter` is succeeded or cancelled.
local function finish(board, token, task, counter, now)
  redis.call('HDEL', key(board, 'task'), token)
  tally(board, task_job(task.id), counter, 1)
  close_run(board, task.id)
  note_ending(board, task_job(task.id), ENDING[counter], now)
end

-- It is given up, and becomes a dead letter.
local function bury(board, token, task, now)
  redis.call('HSET', key(board, 'task'), token, write_record(task))
  redis.call('ZADD', key(board, 'dead'), now, token)
  tally(board, task_job(task.id), 'dead', 1)
  close_run(board, task.id)
  note_ending(board, task_job(task.id), 'failure', now)
end
