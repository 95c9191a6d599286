#!lua flags=no-writes
--[[ JGET board id [id …]

  Read jobs as JSON: the options they were put with, `next` (epoch seconds, absent if there is no next run), `left`
  (remaining runs of `repeat`) and `state`: scheduled, waiting (for other jobs), paused, ended or manual (runs only when
  pushed). A paused job has `paused-at` and, where known, `paused-by`, `paused-because` and `paused-until`. `etag` is a text
  that changes when the options or the pause change, and not when the job runs. Pass it as `if-match` to a command that
  changes the job, and a change that somebody else has made meanwhile is not lost.

    FCALL_RO JGET 1 {jobs} tick
      1) {"id":"tick","runner":"shell","payload":"echo hi","every":5,"start":1763900000,"next":1763900005,"state":"scheduled"}

  Returns a list, with a null for each job that does not exist. It ends early if the jobs are large: call again for the rest.
  Errors: JOBS AGAIN, JOBS OPTION.
--]]
local apply_state = require 'base.apply_state'
local fail = require('base.errors').fail
local key = require('base.keys').key
local describe = require 'job.describe'

-- The work of one call, in bytes of options, which take about 25 ns each. Reading a job without any takes as long as 300 bytes,
-- and a byte of payload an eighth as long as one of options.
local MAX_WORK, JOB, PAYLOAD = 100000, 300, 1 / 8

return function(board, args)
  if #args == 0 then fail('OPTION', 'JGET expects at least one job id') end
  apply_state.require_no_pending_apply(board)
  local jobs, work = {}, 0
  for i, id in ipairs(args) do
    if work >= MAX_WORK then break end
    local packed, text, payload = redis.call('HGET', key(board, 'job'), id), false, 0
    if packed then text, payload = describe.json(board, id, packed, redis.call('ZSCORE', key(board, 'schedule'), id)) end
    jobs[i] = text
    work = work + JOB + (text and #text or 0) - payload * (1 - PAYLOAD)
  end
  return jobs
end
