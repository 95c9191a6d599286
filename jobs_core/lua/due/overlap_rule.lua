local key = require('base.keys').key
local cancellation = require 'ending.cancellation'

local overlap_rule = {}

-- Ask the workers of a job to stop its runs.
local function cancel_running(board, id, now)
  for _, token in ipairs(redis.call('SMEMBERS', key(board, 'running:job:' .. id))) do
    if redis.call('SISMEMBER', key(board, 'cancelling'), token) == 0 then cancellation.cancel_leased(board, token, now) end
  end
end

-- Return how many occurrences of a job may be queued now, by its `overlap`: any number (allow); one while none is under way
-- (skip); one that waits for the running task to end (queue); the same, after asking the running task to stop (replace).
function overlap_rule.allowed_runs(board, id, overlap, now)
  if not overlap then return math.huge end
  if overlap == 'replace' then cancel_running(board, id, now) end
  local open = redis.call('SCARD', key(board, 'open:' .. id))
  if overlap == 'skip' then return open == 0 and 1 or 0 end
  local running = redis.call('SCARD', key(board, 'running:job:' .. id))
  return open > running and 0 or 1
end

return overlap_rule
