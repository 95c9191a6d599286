--- @include "record"
--- @include "schedule"

-- Queue a task again, after `delay` ms; `ticket` is what its record is kept under.
local function requeue(board, ticket, record, delay, now)
  if delay > 0 then
    redis.call('HSET', key(board, 'task'), ticket, record)
    plan(board, 'delayed', ticket, now + delay)
  else
    redis.call('HDEL', key(board, 'task'), ticket)
    give_back(board, record)
  end
end
