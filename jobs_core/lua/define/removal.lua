local key = require('base.keys').key
local dependencies = require 'define.dependencies'
local waiting = require 'due.waiting'
local packed_job = require 'job.packed_job'
local job_counters = require 'ledger.job_counters'

local removal = {}

-- Remove a job and everything stored for it except its tasks. Returns whether the job existed.
function removal.remove_job(board, id)
  local packed = redis.call('HGET', key(board, 'job'), id)
  if not packed then return false end
  local head = packed_job.unpack(packed)
  dependencies.link(board, id, nil, head)
  redis.call('HDEL', key(board, 'job'), id)
  redis.call('ZREM', key(board, 'schedule'), id)
  if dependencies.has_time(head) then waiting.skip(board, id, 'removed') end
  redis.call('DEL', key(board, 'open:' .. id), key(board, 'met:' .. id), key(board, 'endings:' .. id))
  job_counters.remove(board, id)
  return true
end

return removal
