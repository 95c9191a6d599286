--- @include "record"
--- @include "schedule"

-- Queue a task again for another attempt, after `delay` ms.
local function requeue(board, id, record, delay, now)
  if delay > 0 then
    redis.call('HSET', key(board, 'task'), id, record)
    plan(board, 'delayed', id, now + delay)
  else
    redis.call('HDEL', key(board, 'task'), id)
    give_back(board, record)
  end
end
