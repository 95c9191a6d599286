--- @include "attempts"
--- @include "open_runs"
--- @include "stop_run"

-- How many occurrences of a job may be queued now, as its `overlap` says: any number (allow), one while none is under
-- way (skip), or one that waits until what runs has ended (queue), and what runs is told to stop (replace).
local room_for_runs
do
  local function stop_running(board, id)
    for _, token in ipairs(redis.call('SMEMBERS', key(board, 'running:job:' .. id))) do
      if redis.call('SISMEMBER', key(board, 'cancelling'), token) == 0 then
        local record = redis.call('HGET', key(board, 'task'), token)
        local _, _, worker = current_attempt(read_record(record))
        stop_run(board, token, worker)
      end
    end
  end

  function room_for_runs(board, id, overlap)
    if not overlap then return math.huge end
    local open = redis.call('SCARD', key(board, 'open:' .. id))
    if overlap == 's' then return open == 0 and 1 or 0 end
    local running = redis.call('SCARD', key(board, 'running:job:' .. id))
    if overlap == 'r' and running > 0 then stop_running(board, id) end
    return open > running and 0 or 1
  end
end
