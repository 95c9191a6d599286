local clock = require 'base.clock'
local fail_option = require('base.errors').fail_option
local calendar = require 'time.calendar'
local duration = require 'time.duration'

local instant = {}

instant.END = 7258118400000  -- 2200-01-01, in ms: nothing runs then or later

-- Return the offset in seconds of a suffix such as Z, +01:00 or +0100, or nil if it is not one. No suffix means UTC.
function instant.offset_of(text)
  if text == '' or text == 'Z' then return 0 end
  local sign, hours, minutes = text:match('^([+-])(%d%d):?(%d?%d?)$')
  if not sign then return nil end
  hours, minutes = tonumber(hours), tonumber(minutes) or 0
  if hours > 23 or minutes > 59 then return nil end
  local seconds = hours * 3600 + minutes * 60
  return sign == '+' and seconds or -seconds
end

-- Read ISO 8601: 2026-12-01, 2026-12-01T08:00, 2026-12-01T08:00:30.5Z, …+01:00. Returns ms, or nil.
local function iso_instant(text)
  local year, month, day, rest = text:match('^(%d%d%d%d)-(%d%d)-(%d%d)(.*)$')
  if not year then return nil end
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  local hour, minute, second = '0', '0', '0'
  local suffix = rest
  if rest:find('^[T ]') then
    hour, minute, suffix = rest:match('^[T ](%d%d):(%d%d)(.*)$')
    if not hour then return nil end
    local seconds, tail = suffix:match('^:(%d%d%.?%d*)(.*)$')
    if seconds then second, suffix = seconds, tail end
  end
  local offset = instant.offset_of(suffix)
  hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second)
  if not offset or not calendar.is_date(year, month, day) or hour > 23 or minute > 59 or second >= 60 then return nil end
  local total = calendar.day_number(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset
  return math.floor(total * 1000 + 0.5)
end

-- Read an instant: epoch seconds (decimals allowed), ISO 8601, or +10m after `now`. Returns ms.
function instant.ms(name, text, now)
  if text:sub(1, 1) == '+' then return now + duration.ms(name, text:sub(2)) end
  local seconds = text:match('^%d+%.?%d*$') and tonumber(text)
  local ms = seconds and math.floor(seconds * 1000 + 0.5) or iso_instant(text)
  if not ms then
    fail_option(name, "expected a time such as 1796112000 (epoch seconds), 2026-12-01T08:00:00Z or +10m, got '" .. text .. "'")
  end
  if ms < 0 then fail_option(name, "expected a time from 1970 on, got '" .. text .. "'") end
  if ms >= instant.END then
    fail_option(name, "expected a time before 2200, in seconds, not milliseconds, got '" .. text .. "'")
  end
  return ms
end

-- Read an instant, rounded down to ms: a run after it is also after its microseconds.
function instant.floor_ms(name, text, now)
  if text:sub(1, 1) ~= '+' then text = text:gsub('^([^.]*%.%d%d%d)%d+', '%1') end
  return instant.ms(name, text, now)
end

-- Return the option `now`, which tests use, or else the time of Redis's clock.
function instant.now(options)
  return options.now and instant.floor_ms('now', options.now, 0) or clock.now()
end

return instant
