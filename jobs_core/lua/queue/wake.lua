local key = require('base.keys').key

local wake = {}

-- Wake one client that blocks on a wake key (BLPOP). A key has at most one token. The client that pops it looks for all
-- the work there is, and wakes another if it leaves some behind. Returns whether a token was pushed.
local function push_token(board, name)
  local list = key(board, name)
  return redis.call('EXISTS', list) == 0 and redis.call('RPUSH', list, 1) == 1
end

function wake.clock(board)
  push_token(board, 'wake')
end

local TOKEN_EXPIRY = 3600  -- seconds: the queue may have no workers

function wake.queue(board, queue)
  if push_token(board, 'wake:' .. queue) then redis.call('EXPIRE', key(board, 'wake:' .. queue), TOKEN_EXPIRY) end
end

return wake
