-- Reads one field of a cron pattern into a set of numbers. patterns.lua reads the whole pattern, spread.lua resolves H,
-- and month_days.lua, wall_clock.lua and occurrences.lua find its times.

local fail_option = require('base.errors').fail_option

local fields = {}

fields.RANGES = {
  second = { low = 0, high = 59 },
  minute = { low = 0, high = 59 },
  hour = { low = 0, high = 23 },
  ['day-of-month'] = { low = 1, high = 31, spread_high = 28 },  -- every month has these days
  month = {
    low = 1, high = 12, example = 'JAN',
    names = {
      JAN = 1, FEB = 2, MAR = 3, APR = 4, MAY = 5, JUN = 6, JUL = 7, AUG = 8, SEP = 9, OCT = 10, NOV = 11, DEC = 12,
      JANUARY = 1, FEBRUARY = 2, MARCH = 3, APRIL = 4, JUNE = 6, JULY = 7, AUGUST = 8, SEPTEMBER = 9, OCTOBER = 10,
      NOVEMBER = 11, DECEMBER = 12,
    },
  },
  weekday = {
    low = 0, high = 7, spread_high = 6, example = 'SUN',
    names = {
      SUN = 0, MON = 1, TUE = 2, WED = 3, THU = 4, FRI = 5, SAT = 6,
      SUNDAY = 0, MONDAY = 1, TUESDAY = 2, WEDNESDAY = 3, THURSDAY = 4, FRIDAY = 5, SATURDAY = 6,
    },
  },
  year = { low = 1970, high = 2199 },
}

-- Reject a pattern: the problem and, where it helps, what to write instead.
function fields.reject(pattern, problem, advice)
  local sentence = problem .. " in '" .. pattern .. "'" .. (advice and ': ' .. advice or '')
  fail_option('cron', (sentence:gsub('%c', '?')))
end

function fields.reject_without_runs(pattern)
  fail_option('cron', "'" .. pattern .. "' never runs: no day before 2200 matches")
end

-- Read a number or its name: MON is 1.
function fields.number(pattern, name, text)
  local field = fields.RANGES[name]
  local number = field.names and field.names[text:upper()] or text:match('^%d+$') and tonumber(text)
  if not number or number < field.low or number > field.high then
    fields.reject(pattern, name .. ': expected ' .. field.low .. ' to ' .. field.high
      .. (field.names and ' or a name such as ' .. field.example or '') .. ", got '" .. text .. "'")
  end
  return number
end

local LONG_STEP = 1000  -- longer than any range: a loop cannot count by steps of 1e20

-- Read a step: the 15 of */15.
function fields.step(pattern, name, item, text)
  local step = text:match('^%d+$') and tonumber(text)
  if not step or step == 0 then
    fields.reject(pattern, name .. ": expected a step of 1 or more after /, got '" .. item .. "'")
  end
  return math.min(step, LONG_STEP)
end

-- Read a range a-b. Returns its first and last number.
function fields.range(pattern, name, from, to)
  local first, last = fields.number(pattern, name, from), fields.number(pattern, name, to)
  if name == 'weekday' and last == 0 and first > 0 and not to:find('%d') then last = 7 end  -- FRI-SUN
  if last < first then
    fields.reject(pattern, name .. ": expected a range in ascending order, got '" .. from .. '-' .. to .. "'", 'write two ranges')
  end
  return first, last
end

-- Read a modifier of day-of-month. It is stored in the set beside the days: L means the last day, W the day whose nearest
-- working day runs ('L' for the last day's).
local function month_modifier(pattern, item, set, is_alone)
  if item == 'L' then
    set.L = true
    return true
  end
  if item:find('^L%-%d+$') then
    local problem = "day-of-month: expected L alone, got '" .. item .. "'"
    fields.reject(pattern, problem, 'write L for the last day, or a day such as 28')
  end
  local near = item == 'LW' and 'L' or item:match('^(%d+)W$')
  if not near then return false end
  if not is_alone then fields.reject(pattern, "day-of-month: expected '" .. item .. "' alone, got a list") end
  set.W = near == 'L' and near or fields.number(pattern, 'day-of-month', near)
  return true
end

-- Read a modifier of weekday. Weekday d in its nth week is the member 10n + d of the set, and the last one of a month is
-- 60 + d.
local function weekday_modifier(pattern, item, set)
  local day, nth = item:match('^(%w+)#(%w+)$')
  if not day then day, nth = item:match('^(%w+)(L)$') end
  if not day then return false end
  if not nth:find('^[1-5L]$') then
    fields.reject(pattern, "weekday: expected 1 to 5 or L after #, got '" .. item .. "'")
  end
  set[10 * (nth == 'L' and 6 or tonumber(nth)) + fields.number(pattern, 'weekday', day) % 7] = true
  return true
end

local MODIFIERS = { ['day-of-month'] = month_modifier, weekday = weekday_modifier }

-- Return the first and the last number, or no last one for a single number.
local function bounds(pattern, name, base)
  if base == '*' then return fields.RANGES[name].low, fields.RANGES[name].high end
  local from, to = base:match('^([^-]+)-([^-]+)$')
  if from then return fields.range(pattern, name, from, to) end
  return fields.number(pattern, name, base)
end

local function add_item(pattern, name, item, set)
  local base, step = item:match('^([^/]*)/([^/]*)$')
  if base and base ~= '*' and not base:find('-', 1, true) then
    local first = fields.number(pattern, name, base)
    fields.step(pattern, name, item, step)
    local range = first == fields.RANGES[name].low and '*' or base .. '-' .. fields.RANGES[name].high
    fields.reject(pattern, name .. ": expected a range before /, got '" .. item .. "'", 'write ' .. range .. '/' .. step)
  end
  local first, last = bounds(pattern, name, base or item)
  for number = first, last or first, step and fields.step(pattern, name, item, step) or 1 do
    set[name == 'weekday' and number % 7 or number] = true
  end
end

-- Read a field such as 0,30 into a set of numbers, with its modifiers.
function fields.read(pattern, name, text)
  local set, modify = {}, MODIFIERS[name]
  for item in (text .. ','):gmatch('([^,]*),') do
    if item == '' then fields.reject(pattern, name .. ": expected no empty item, got '" .. text .. "'") end
    if not (modify and modify(pattern, item, set, item == text)) then add_item(pattern, name, item, set) end
  end
  return set
end

return fields
