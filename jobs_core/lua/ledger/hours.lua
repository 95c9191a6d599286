-- `{b}:hours` counts what happened to tasks by the hour: `<hours since the epoch> <what>`, for the last 8 days.

local key = require('base.keys').key

local hours = {}

hours.MS = 3600000
local KEPT = 192  -- hours

-- Remove the counts of hours that are too old.
local function remove_old(name, hour)
  local old = {}
  for _, field in ipairs(redis.call('HKEYS', name)) do
    if tonumber(field:match('^%d+') or 0) <= hour - KEPT then old[#old + 1] = field end
  end
  if #old > 0 then redis.call('HDEL', name, unpack(old)) end
end

-- Count `n` of something that happened now (ms).
function hours.add(board, what, n, now)
  if n <= 0 then return end
  local name, hour = key(board, 'hours'), math.floor(now / hours.MS)
  if redis.call('HINCRBY', name, hour .. ' ' .. what, n) == n then remove_old(name, hour) end  -- the first of this hour
end

-- Read the hours that end after a time (ms), oldest first: tables with `hour`, its begin in epoch seconds, and the counts.
function hours.read(board, from)
  local found, by_hour, flat = {}, {}, redis.call('HGETALL', key(board, 'hours'))
  for i = 1, #flat, 2 do
    local hour, what = flat[i]:match('^(%d+) (%l+)$')
    if hour and (hour + 1) * hours.MS > from then
      if not by_hour[hour] then
        by_hour[hour] = { hour = hour * hours.MS / 1000 }
        found[#found + 1] = by_hour[hour]
      end
      by_hour[hour][what] = tonumber(flat[i + 1])
    end
  end
  table.sort(found, function(a, b) return a.hour < b.hour end)
  return found
end

return hours
