-- `{b}:zones` maps a time zone to its table: for each change of offset, earliest first, the UTC second at which it takes
-- effect and the offset in seconds. An alias has `=` and the name of another zone. `{b}:zones:version` is the version of
-- the data, and `{b}:zones:changed` the set of zones whose jobs must be recomputed.

local fail_option = require('base.errors').fail_option
local key = require('base.keys').key

local zones = {}

local SIZE, RECORD = 12, '>di4'

local function reject_zone(board, name)
  if redis.call('EXISTS', key(board, 'zones')) == 0 then
    fail_option('zone', 'the board has no time zones yet: run `jobs init`')
  end
  fail_option('zone', "expected a time zone such as Europe/Brussels or UTC, got '" .. name .. "'")
end

-- Whether all zones are loaded.
function zones.are_loaded(board)
  return redis.call('EXISTS', key(board, 'zones'), key(board, 'zones:version')) == 2
end

function zones.alias_of(board, name)
  local records = redis.call('HGET', key(board, 'zones'), name)
  return records and records:match('^=(.*)$')
end

function zones.find(board, name)
  if name == 'UTC' then return nil end
  local records = redis.call('HGET', key(board, 'zones'), name) or reject_zone(board, name)
  if records:sub(1, 1) == '=' then records = redis.call('HGET', key(board, 'zones'), records:sub(2)) end
  if #records == SIZE and select(2, struct.unpack(RECORD, records)) == 0 then return nil end
  return { records = records, n = #records / SIZE, from = 0, to = 0, offset = 0 }
end

local function change(zone, number)
  return struct.unpack(RECORD, zone.records, (number - 1) * SIZE + 1)
end

local function find(zone, utc)
  local low, high = 1, zone.n + 1  -- the result is at or after `low` and before `high`
  while high - low > 1 do
    local middle = math.floor((low + high) / 2)
    if change(zone, middle) <= utc then low = middle else high = middle end
  end
  return low
end

function zones.offset_at(zone, utc)
  -- Most calls are near the previous one, so keep its range.
  if utc < zone.from or utc >= zone.to then
    local number = find(zone, utc)
    zone.from, zone.offset = change(zone, number)
    zone.to = number < zone.n and change(zone, number + 1) or math.huge
  end
  return zone.offset, zone.to
end

return zones
