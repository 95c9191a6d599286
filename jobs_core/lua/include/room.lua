--- @include "limits"

-- Room that comes up under a limit goes to the tasks that it holds.

-- Move up to `n` of the tasks that a limit holds back to the fronts of their lanes. Answers how many.
local function let_in(board, name, n)
  local held = key(board, 'held:' .. name)
  local records = redis.call('LPOP', held, n)
  if not records then return 0 end
  for i = #records, 1, -1 do put_first(board, read_record(records[i]).lane, records[i]) end
  if redis.call('EXISTS', held) == 0 then redis.call('SREM', key(board, 'held'), name) end
  return #records
end

-- Wake a worker for a queue that its limit had closed, if tasks wait there.
local function reopen(board, queue)
  for _, lane in ipairs(lanes_of(board, queue)) do
    if redis.call('EXISTS', key(board, 'queue:' .. lane)) == 1 then return wake_queue(board, queue) end
  end
end

-- A limit has room as far as running tasks go.
local function has_slot(board, limit)
  return redis.call('SCARD', key(board, 'running:' .. limit.name)) < limit.concurrency
end

-- A task has made room, by ending or by leaving its lane unstarted: the next may come, unless the task itself goes
-- back to the front of its lane.
local function make_room(board, task, token, comes_back)
  for _, limit in ipairs(limits_of(board, task, redis.call('EXISTS', key(board, 'limits')) == 1)) do
    if limit.concurrency then
      if token then redis.call('SREM', key(board, 'running:' .. limit.name), token) end
      if not comes_back and has_slot(board, limit) then
        let_in(board, limit.name, 1)
        if limit.name:find('^queue:') then reopen(board, limit.name:sub(7)) end
      end
    end
  end
end
