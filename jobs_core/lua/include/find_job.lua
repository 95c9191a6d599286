--- @include "fail"
--- @include "head"
--- @include "key"
--- @include "settled"

-- Answers head, body of a job that must exist.
local function find_job(board, id)
  refuse_unsettled(board)
  local packed = redis.call('HGET', key(board, 'job'), id)
  if not packed then fail('NOTFOUND', "there is no job '" .. id .. "'") end
  return unpack_job(packed)
end
