--- @include "count"

-- Add to a counter of the ledger, and to the same of the job. What one-off tasks do, and what a job that was removed
-- still did, is in the board's ledger alone, so that nothing of them remains.
local function tally(board, job, name, n)
  count(board, name, n)
  if job:find('^push:%d') then return end
  if redis.call('HEXISTS', key(board, 'job'), job) == 1 then
    redis.call('HINCRBY', key(board, 'ledger'), name .. ' ' .. job, n)
  end
end
