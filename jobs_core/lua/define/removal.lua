local key = require('base.keys').key
local dependencies = require 'define.dependencies'
local packed_job = require 'job.packed_job'
local job_counters = require 'ledger.job_counters'
local runs = require 'ledger.runs'

local removal = {}

-- Remove a job and everything stored for it except its tasks. Returns whether the job existed.
function removal.remove_job(board, id)
  local packed = redis.call('HGET', key(board, 'job'), id)
  if not packed then return false end
  dependencies.link(board, id, nil, packed_job.unpack(packed))
  redis.call('HDEL', key(board, 'job'), id)
  redis.call('ZREM', key(board, 'schedule'), id)
  redis.call('DEL', key(board, 'open:' .. id), key(board, 'met:' .. id))
  job_counters.remove(board, id)
  runs.remove(board, id)
  return true
end

return removal
