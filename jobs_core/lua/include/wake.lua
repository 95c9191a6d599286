--- @include "key"

-- Wake one client that blocks on a wake key (BLPOP). One token at most waits there: whoever takes it looks
-- for all the work there is, and leaves a token behind if there is more than it can take.
local function wake(board, name)
  local list = key(board, name)
  if redis.call('EXISTS', list) == 0 then redis.call('RPUSH', list, 1) end
end

local function wake_clock(board)
  wake(board, 'wake')
end

local function wake_queue(board, queue)
  wake(board, 'wake:' .. queue)
end
