#!lua flags=no-writes
--[[ JGET board id [id …]

  Read jobs as JSON: the options they were put with, `next` (epoch seconds, absent if there is no next run), `left`
  (remaining runs of `repeat`) and `state`: scheduled, waiting (for other jobs), paused, ended or manual (runs only when
  pushed). A paused job has `paused-at` and, where known, `paused-by`, `paused-because` and `paused-until`. `etag` is a text
  that changes when the options or the pause change, and not when the job runs. Pass it as `if-match` to a command that
  changes the job, and a change that somebody else has made meanwhile is not lost.

    FCALL_RO JGET 1 {jobs} tick
      1) {"id":"tick","runner":"shell","payload":"echo hi","every":5,"start":1763900000,"next":1763900005,"state":"scheduled"}

  Returns a list, with a null for each job that does not exist.
  Errors: JOBS AGAIN, JOBS OPTION.
--]]
local apply_state = require 'base.apply_state'
local fail = require('base.errors').fail
local key = require('base.keys').key
local describe = require 'job.describe'

return function(board, args)
  if #args == 0 then fail('OPTION', 'JGET expects at least one job id') end
  apply_state.require_no_pending_apply(board)
  local jobs = {}
  for i, id in ipairs(args) do
    local packed = redis.call('HGET', key(board, 'job'), id)
    jobs[i] = packed and describe.json(board, id, packed, redis.call('ZSCORE', key(board, 'schedule'), id))
  end
  return jobs
end
