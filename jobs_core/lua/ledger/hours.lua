-- `{b}:hours` counts what happened to tasks by the hour: `<hours since the epoch> <what>`, for the last 8 days.

local key = require('base.keys').key

local hours = {}

hours.MS = 3600000
hours.KEPT = 192  -- hours

-- Remove the counts of hours that are too old.
local function remove_old(name, hour)
  local old = {}
  for _, field in ipairs(redis.call('HKEYS', name)) do
    if tonumber(field:match('^%d+') or 0) <= hour - hours.KEPT then old[#old + 1] = field end
  end
  if #old > 0 then redis.call('HDEL', name, unpack(old)) end
end

-- Count `n` of something that happened now (ms).
function hours.add(board, what, n, now)
  if n <= 0 then return end
  local name, hour = key(board, 'hours'), math.floor(now / hours.MS)
  if redis.call('HINCRBY', name, hour .. ' ' .. what, n) == n then remove_old(name, hour) end  -- the first of this hour
end

return hours
