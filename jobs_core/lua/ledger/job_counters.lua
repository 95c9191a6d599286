local key = require('base.keys').key

local job_counters = {}

-- The counters of a job. `{b}:ledger` has each under `<counter> <job>`.
job_counters.NAMES = {
  'coalesced', 'skipped', 'done', 'dead', 'cancelled', 'unleased', 'retried', 'lost', 'failed',
  'doubled', 'revived',
}

function job_counters.fields(job)
  local fields = {}
  for i, name in ipairs(job_counters.NAMES) do fields[i] = name .. ' ' .. job end
  return fields
end

function job_counters.remove(board, job)
  redis.call('HDEL', key(board, 'ledger'), unpack(job_counters.fields(job)))
end

return job_counters
