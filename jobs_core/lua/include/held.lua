--- @include "starts"

-- Move up to `n` of the tasks that a limit holds back to the fronts of their lanes, in order; or to their ends, behind
-- what came back there meanwhile. Answers how many.
local function let_in(board, name, n, is_last)
  local held = key(board, 'held:' .. name)
  local records = redis.call('LPOP', held, n)
  if not records then return 0 end
  if is_last then
    for _, record in ipairs(records) do enqueue(board, read_record(record).lane, { record }) end
  else
    for i = #records, 1, -1 do put_first(board, read_record(records[i]).lane, records[i]) end
  end
  if redis.call('EXISTS', held) == 0 then redis.call('SREM', key(board, 'held'), name) end
  return #records
end

-- What a limit holds may start, as far as there is room. Answers how many moved, and the limit.
local function look_again(board, name, now, most)
  local first = redis.call('LINDEX', key(board, 'held:' .. name), 0)
  if not first then return 0 end
  local limit = name:find('^job:') and job_limit(read_record(first)) or common_limit(board, name) or { name = name }
  measure(board, limit, now)
  local moved = let_in(board, name, math.max(0, math.min(most, limit.slots, limit.starts)))
  limit.slots, limit.starts = limit.slots - moved, limit.starts - moved
  if redis.call('EXISTS', key(board, 'held:' .. name)) == 1 then gate(board, limit) end
  return moved, limit
end
