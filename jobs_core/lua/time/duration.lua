local fail_option = require('base.errors').fail_option

local duration = {}

duration.UNITS = {
  ms = 1, s = 1000, m = 60000, h = 3600000, d = 86400000, w = 604800000,
  second = 1000, minute = 60000, hour = 3600000, day = 86400000, week = 604800000,
  month = 2629800000, quarter = 7862400000, year = 31557600000,  -- a month is 30.4375 days
}

-- Read a form such as 1h30m: numbers with units, each unit once, and no separators. Returns ms, or nil.
local function compact_duration(text)
  local total, rest, given = 0, text, {}
  repeat
    local number, unit, tail = rest:match('^([%d.]+)(%a+)(.*)$')
    local value, size = tonumber(number or ''), duration.UNITS[unit]
    if not value or not size or given[size] then return nil end
    total, rest, given[size] = total + value * size, tail, true
  until rest == ''
  return total
end

-- Units in ISO 8601, in their order.
local ISO_DATE = { { 'Y', 'year' }, { 'M', 'month' }, { 'W', 'week' }, { 'D', 'day' } }
local ISO_TIME = { { 'H', 'hour' }, { 'M', 'minute' }, { 'S', 'second' } }

-- Read one part, whose units are in order and occur once. Returns ms, or nil.
local function iso_part(text, units)
  local total, rest = 0, text
  for _, unit in ipairs(units) do
    local number, tail = rest:match('^([%d.]+)' .. unit[1] .. '(.*)$')
    if number then
      if not tonumber(number) then return nil end
      total, rest = total + tonumber(number) * duration.UNITS[unit[2]], tail
    end
  end
  return rest == '' and total or nil
end

-- Read ISO 8601: P1Y2M3W4DT5H6M7.8S. Returns ms, or nil.
local function iso_duration(text)
  local date, t, time = text:match('^P([^T]*)(T?)(.*)$')
  if not date or date .. time == '' or (t ~= '') ~= (time ~= '') then return nil end
  local days, seconds = iso_part(date, ISO_DATE), iso_part(time, ISO_TIME)
  return days and seconds and days + seconds
end

-- Read a duration: seconds (5, 0.5), 1h30m, or ISO 8601 (PT1H30M). Returns whole ms, at least 0.
function duration.ms(name, text)
  local seconds = text:match('^%d+%.?%d*$') or text:match('^%.%d+$')
  local ms = seconds and tonumber(seconds) * 1000 or compact_duration(text) or iso_duration(text)
  if not ms then
    fail_option(name, "expected a duration such as 90, 1h30m or PT1H30M, got '" .. text .. "'")
  end
  if ms > 3.2e12 then
    fail_option(name, "expected at most a hundred years, got '" .. text .. "'")
  end
  return math.floor(ms + 0.5)
end

-- Read a duration above zero. Returns seconds, as workers use them.
function duration.seconds(name, text)
  local ms = duration.ms(name, text)
  if ms == 0 then fail_option(name, "expected more than 0, got '" .. text .. "'") end
  return ms / 1000
end

return duration
