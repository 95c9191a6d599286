local key = require('base.keys').key

local counters = {}

-- Add to a counter of the board.
function counters.add(board, name, n)
  if n ~= 0 then redis.call('HINCRBY', key(board, 'stats'), name, n) end
end

-- Add to a counter of the board and to that of the job. One-off tasks and removed jobs count only for the board, so that
-- nothing of them remains. Returns whether the job is on the board.
function counters.add_for_job(board, job, name, n)
  counters.add(board, name, n)
  if job:find('^push:%d') or redis.call('HEXISTS', key(board, 'job'), job) == 0 then return false end
  redis.call('HINCRBY', key(board, 'ledger'), name .. ' ' .. job, n)
  return true
end

-- Add `counts[job]` to the counter of each of these jobs, with one read and one write, and forget the counts of those that are
-- not on the board. A job that has the counter is on the board, since its removal removes it.
function counters.add_for_jobs(board, name, jobs, counts)
  local ledger, fields, changes, n = key(board, 'ledger'), {}, {}, 0
  for i = 1, #jobs do fields[i] = name .. ' ' .. jobs[i] end
  local values = redis.call('HMGET', ledger, unpack(fields))
  for i = 1, #jobs do
    local job, value = jobs[i], tonumber(values[i] or nil)
    if value or redis.call('HEXISTS', key(board, 'job'), job) == 1 then
      n = n + 1
      changes[2 * n - 1], changes[2 * n] = fields[i], (value or 0) + counts[job]
    else
      counts[job] = nil
    end
  end
  if n > 0 then redis.call('HSET', ledger, unpack(changes)) end
end

return counters
