#!lua
--[[ JPAUSE board id

  Stop scheduling a job until JRESUME. Tasks that are already queued still run. An occurrence that waits for other jobs is
  skipped.

    FCALL JPAUSE 1 {jobs} tick

  Returns 1, or 0 if the job was already paused.
  Errors: JOBS AGAIN, JOBS NOTFOUND.
--]]
local key = require('base.keys').key
local dependencies = require 'define.dependencies'
local parent_endings = require 'due.parent_endings'
local waiting = require 'due.waiting'
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
  if dependencies.has_time(head) then
    waiting.skip(board, id, 'paused')
    parent_endings.forget(board, id)
  end
  return 1
end
