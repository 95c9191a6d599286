#!lua
--[[ JPAUSE board id

  Stop scheduling a job until JRESUME. Tasks that are already queued still run.

    FCALL JPAUSE 1 {jobs} tick

  Returns 1, or 0 if the job was already paused.
  Errors: JOBS AGAIN, JOBS NOTFOUND.
--]]
local key = require('base.keys').key
local lookup = require 'job.lookup'
local packed_job = require 'job.packed_job'

return function(board, args)
  local id = args[1]
  local head, body = lookup.require_job(board, id)
  if head.paused then return 0 end
  head.paused = 1
  head.paused_next = tonumber(redis.call('ZSCORE', key(board, 'schedule'), id) or nil)
  redis.call('HSET', key(board, 'job'), id, packed_job.pack(head, body))
  redis.call('ZREM', key(board, 'schedule'), id)
  return 1
end
