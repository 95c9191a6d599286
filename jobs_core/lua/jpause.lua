#!lua
--[[ JPAUSE board id

  Stop scheduling a job until JRESUME. Tasks that are already queued still run.

    EVALSHA <JPAUSE> 1 {jobs} tick

  Answers 1, or 0 when it was paused already.
  Errors: JOBS AGAIN, JOBS NOTFOUND.
--]]
--- @include "command"
--- @include "find_job"

return command(function()
  local board, id = KEYS[1], ARGV[1]
  local head, body = find_job(board, id)
  if head.z then return 0 end
  head.z = 1
  head.x = tonumber(redis.call('ZSCORE', key(board, 'schedule'), id) or nil)
  redis.call('HSET', key(board, 'job'), id, pack_job(head, body))
  redis.call('ZREM', key(board, 'schedule'), id)
  return 1
end)
