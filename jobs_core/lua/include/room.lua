--- @include "limits"

-- Room that comes up under a limit is for the tasks that it holds: JPOP lets in what is `{b}:ready`.

-- A limit may have room for what it holds: wake a worker to see.
local function beckon(board, name)
  local first = redis.call('LINDEX', key(board, 'held:' .. name), 0)
  if not first then return end
  redis.call('SADD', key(board, 'ready'), name)
  wake_queue(board, (split_lane(read_record(first).lane)))
end

-- Wake a worker for a queue that its limit had closed, if tasks wait there.
local function reopen(board, queue)
  for _, lane in ipairs(lanes_of(board, queue)) do
    if redis.call('EXISTS', key(board, 'queue:' .. lane)) == 1 then return wake_queue(board, queue) end
  end
end

-- A task has made room, by ending or by leaving its lane unstarted; unless it goes back to the front of its lane.
local function make_room(board, task, token, comes_back)
  for _, limit in ipairs(limits_of(board, task, redis.call('EXISTS', key(board, 'limits')) == 1)) do
    if limit.concurrency then
      if token then redis.call('SREM', key(board, 'running:' .. limit.name), token) end
      if not comes_back then
        beckon(board, limit.name)
        if limit.name:find('^queue:') then reopen(board, limit.name:sub(7)) end
      end
    end
  end
end
