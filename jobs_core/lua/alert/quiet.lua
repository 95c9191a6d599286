-- Quiet hours, such as 22:00-07:00, by the clock of a zone.

local fail_option = require('base.errors').fail_option
local zones = require 'time.zones'

local quiet = {}

local DAY = 86400

local function second_of_day(hour, minute)
  hour, minute = tonumber(hour), tonumber(minute)
  return hour and hour < 24 and minute < 60 and hour * 3600 + minute * 60 or nil
end

local function read(text)
  local from_hour, from_minute, to_hour, to_minute = text:match('^(%d%d?):(%d%d)%-(%d%d?):(%d%d)$')
  return second_of_day(from_hour, from_minute), second_of_day(to_hour, to_minute)
end

-- Check the text of the option.
function quiet.check(text)
  local from, to = read(text)
  if not (from and to) or from == to then fail_option('quiet', "expected hours such as 22:00-07:00, got '" .. text .. "'") end
end

-- Return the first second, from one on, at which the clock of a zone has come to a time (seconds, as if it were UTC).
local function second_at(zone, utc, clock)
  local offset, changes_at = zones.offset_at(zone, utc)
  if clock - offset < changes_at then return math.max(utc, clock - offset) end
  return second_at(zone, changes_at, clock)
end

-- Return when quiet hours end (seconds), or the same second if it is in none.
local function end_of(from, to, zone, utc)
  local clock = utc + (zone and zones.offset_at(zone, utc) or 0)
  local since, lasts = (clock - from) % DAY, (to - from) % DAY
  if since >= lasts then return utc end
  clock = clock + lasts - since
  if not zone then return clock end
  return end_of(from, to, zone, second_at(zone, utc, clock))  -- a clock that is put forward may leave out the end
end

-- Return when the quiet hours of an alert end (ms), if it is in them now, or else now.
function quiet.over_at(board, rule, now)
  if not rule.quiet then return now end
  local from, to = read(rule.quiet)
  local utc = math.floor(now / 1000)
  local over = end_of(from, to, rule.zone and zones.find(board, rule.zone), utc)
  return over > utc and over * 1000 or now
end

return quiet
