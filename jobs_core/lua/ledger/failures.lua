-- `{b}:failing` sorts jobs by how many of their runs in a row have died, while any has. A run that is cancelled neither counts
-- nor ends the row.

local key = require('base.keys').key

local failures = {}

-- Whether an alert asks for failures in a row.
local function is_asked(board)
  return redis.call('EXISTS', key(board, 'alerts:failed'), key(board, 'alerts:recovered')) > 0
end

-- A run of a job died. Returns how many in a row have; nothing if nobody asks, since the board keeps no runs of the job.
function failures.add(board, job, is_kept)
  if not (is_kept or is_asked(board)) then return nil end
  return tonumber(redis.call('ZINCRBY', key(board, 'failing'), 1, job))
end

-- Runs of these jobs were done. Returns those that were failing, if an alert asks: tables with the job and its failures in a row.
function failures.clear(board, jobs)
  local failing = key(board, 'failing')
  if #jobs == 0 or redis.call('EXISTS', failing) == 0 then return {} end
  local found = {}
  if is_asked(board) then
    for i, count in ipairs(redis.call('ZMSCORE', failing, unpack(jobs))) do
      if count then found[#found + 1] = { job = jobs[i], failures = tonumber(count) } end
    end
  end
  redis.call('ZREM', failing, unpack(jobs))
  return found
end

return failures
