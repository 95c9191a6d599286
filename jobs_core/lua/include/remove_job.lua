--- @include "after"
--- @include "key"
--- @include "ledger"

-- Remove a job, and all that is kept of it but its tasks. Answers whether there was one.
local function remove_job(board, id)
  local packed = redis.call('HGET', key(board, 'job'), id)
  if not packed then return false end
  after.link(board, id, nil, unpack_job(packed))
  redis.call('HDEL', key(board, 'job'), id)
  redis.call('ZREM', key(board, 'schedule'), id)
  redis.call('DEL', key(board, 'open:' .. id), key(board, 'met:' .. id))
  forget_ledger(board, id)
  return true
end
