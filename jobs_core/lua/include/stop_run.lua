--- @include "key"

local INBOX = 3600  -- seconds that a message waits for a worker that may be gone

-- Tell the worker that holds a token to stop the run.
local function stop_run(board, token, worker)
  redis.call('SADD', key(board, 'cancelling'), token)
  if worker ~= '-' then
    redis.call('RPUSH', key(board, 'inbox:' .. worker), token)
    redis.call('EXPIRE', key(board, 'inbox:' .. worker), INBOX)
  end
end
