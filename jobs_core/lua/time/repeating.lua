-- ISO 8601 repeating intervals, as `every` accepts them: R5/2026-12-01T08:00:00Z/PT30M is five runs half an hour apart. A
-- period of years and months follows the calendar.

local arguments = require 'base.arguments'
local fail_option = require('base.errors').fail_option
local duration = require 'time.duration'
local instant = require 'time.instant'

local repeating = {}

local function reject_interval(text)
  fail_option('every', "expected a repeating interval such as R5/2026-12-01T08:00:00Z/PT30M or R/P1M, got '" .. text .. "'")
end

-- Split a period such as P1Y2M3DT4H. Returns its months, and the rest as a duration, or nothing.
local function split_period(text, whole_text)
  local date, time = text:match('^P([^T]*)(.*)$')
  local months = 0
  if date:find('%.%d*[YM]') then reject_interval(whole_text) end  -- half a month has no fixed length
  local rest = date:gsub('(%d+)([YM])', function(n, unit)
    months = months + tonumber(n) * (unit == 'Y' and 12 or 1)
    return ''
  end)
  if months > 1200 then fail_option('every', "expected at most a hundred years, got '" .. whole_text .. "'") end
  return months, (rest ~= '' or time ~= '') and 'P' .. rest .. time or nil
end

-- Return the offset in ms with which an instant was written.
local function clock_offset(text)
  return (instant.offset_of(text:match('T[%d:.]+(.*)$') or '') or 0) * 1000
end

-- Replace a repeating interval in `every` with the options start, repeat and every. Returns the head of a calendar
-- schedule, or nothing.
function repeating.read(options)
  local text = options.every
  local runs, start, interval = text:match('^R(%d*)/([^/]*)/(P[^/]+)$')
  if not runs then runs, interval = text:match('^R(%d*)/(P[^/]+)$') end
  if not runs then reject_interval(text) end
  if runs ~= '' and options['repeat'] or start and start ~= '' and options.start then
    fail_option('every', "'" .. text .. "' already says when the job starts and how often it runs: leave start and repeat out")
  end
  if runs ~= '' then
    arguments.whole_number('every', runs, 1)  -- check now, so that the error names the option that was given
    options['repeat'] = runs
  end
  if start and start ~= '' then
    instant.ms('every', start, 0)
    options.start = start
  end
  duration.ms('every', interval)  -- rejected here, if it is none
  local months, rest = split_period(interval, text)
  options.every = months == 0 and interval or nil
  if months == 0 then return nil end
  return {
    months = months, month_rest = rest and duration.ms('every', rest) or 0,
    clock_offset = options.start and clock_offset(options.start) or 0, period = interval,
  }
end

return repeating
