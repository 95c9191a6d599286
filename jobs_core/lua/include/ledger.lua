--- @include "key"

-- The ledger of each job: `{b}:ledger` has a number under `<counter> <job>`.
local JOB_COUNTERS = {
  'coalesced', 'skipped', 'succeeded', 'dead', 'cancelled', 'unleased', 'retried', 'lost', 'expired', 'failed',
  'doubled', 'revived',
}

local function ledger_fields(job)
  local fields = {}
  for i, name in ipairs(JOB_COUNTERS) do fields[i] = name .. ' ' .. job end
  return fields
end

local function forget_ledger(board, job)
  redis.call('HDEL', key(board, 'ledger'), unpack(ledger_fields(job)))
end
