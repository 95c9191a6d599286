--- @include "record"
--- @include "schedule"

-- Queue a task again, after `delay` ms; `ticket` is what its record is kept under.
local function requeue(board, ticket, task, delay, now)
  if delay > 0 then
    redis.call('HSET', key(board, 'task'), ticket, write_record(task))
    plan(board, 'delayed', ticket, now + delay)
  else
    redis.call('HDEL', key(board, 'task'), ticket)
    put_first(board, task.lane, write_record(task))
  end
end
