local key = require('base.keys').key

local counters = {}

-- Add to a counter of the board.
function counters.add(board, name, n)
  if n ~= 0 then redis.call('HINCRBY', key(board, 'stats'), name, n) end
end

-- Add to a counter of the board and to that of the job. One-off tasks and removed jobs count only for the board, so that
-- nothing of them remains.
function counters.add_for_job(board, job, name, n)
  counters.add(board, name, n)
  if job:find('^push:%d') then return end
  if redis.call('HEXISTS', key(board, 'job'), job) == 1 then
    redis.call('HINCRBY', key(board, 'ledger'), name .. ' ' .. job, n)
  end
end

-- Add `counts[job]` to the counter of each of these jobs that exists.
function counters.add_for_jobs(board, name, jobs, counts)
  for i = 1, #jobs do
    local job = jobs[i]
    if redis.call('HEXISTS', key(board, 'job'), job) == 1 then
      redis.call('HINCRBY', key(board, 'ledger'), name .. ' ' .. job, counts[job])
    end
  end
end

return counters
