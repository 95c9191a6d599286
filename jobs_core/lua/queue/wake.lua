local key = require('base.keys').key

local wake = {}

-- Wake one client that blocks on a wake key (BLPOP). One token at most waits there: whoever takes it looks
-- for all the work there is, and leaves a token behind if there is more than it can take. Returns whether it left one.
local function push_token(board, name)
  local list = key(board, name)
  return redis.call('EXISTS', list) == 0 and redis.call('RPUSH', list, 1) == 1
end

function wake.clock(board)
  push_token(board, 'wake')
end

local TOKEN_EXPIRY = 3600  -- seconds that a token waits for workers of a queue: it may be nobody's

function wake.queue(board, queue)
  if push_token(board, 'wake:' .. queue) then redis.call('EXPIRE', key(board, 'wake:' .. queue), TOKEN_EXPIRY) end
end

return wake
