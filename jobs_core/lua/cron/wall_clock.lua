local month_days = require 'cron.month_days'
local calendar = require 'time.calendar'

local wall_clock = {}

-- Searching and counting the times of a cron schedule on a clock that never changes. Times are seconds since
-- 1970-01-01T00:00:00 on that clock. A schedule has a `pattern`, and the `fixed` second of the day at which it runs, if
-- it has one.
local DAY = 86400
local YEARS_END = 7258118400  -- 2200-01-01
local MOST = 16  -- days that are known of a pattern at once

-- The first second of the day at or after `second` that the time fields allow, if there is one.
local function next_in_day(schedule, second)
  if schedule.fixed then return second <= schedule.fixed and schedule.fixed or nil end
  local pattern = schedule.pattern
  local hours, minutes, seconds = pattern.hours, pattern.minutes, pattern.seconds
  local hour_now = math.floor(second / 3600)
  local hour = hours.least[hour_now]
  if hour == hour_now then
    local minute_now = math.floor(second / 60) % 60
    local minute = minutes.least[minute_now]
    if minute == minute_now then
      local found = seconds.least[second % 60]
      if found then return hour * 3600 + minute * 60 + found end
      minute = minutes.least[minute + 1]
    end
    if minute then return hour * 3600 + minute * 60 + seconds.first end
    hour = hours.least[hour + 1]
  end
  return hour and hour * 3600 + minutes.first * 60 + seconds.first
end

local function search_day(pattern, day)
  local year, month, date = calendar.date(day)
  while true do
    local fitting_year = pattern.years.least[year]
    if not fitting_year then return nil end
    if fitting_year > year then year, month, date = fitting_year, 1, 1 end
    local fitting_month = pattern.months.least[month]
    if fitting_month then
      if fitting_month > month then month, date = fitting_month, 1 end
      local found = month_days.of(pattern.rule, year, month).least[date]
      if found then return calendar.day_number(year, month, found) end
    end
    if fitting_month and month < 12 then month = month + 1 else year, month = year + 1, 1 end
    date = 1
  end
end

-- The first day at or after `day`, in days since 1970. All jobs of a pattern that are due on a day ask for the same.
local function next_day(pattern, day)
  local known = pattern.known
  local found = known.days[day]
  if found == nil then
    if known.n == MOST then known.days, known.n = {}, 0 end
    found = search_day(pattern, day) or false
    known.days[day], known.n = found, known.n + 1
  end
  return found or nil
end

-- The first time at or after `low`; nil when there is none from 1970 to 2199.
function wall_clock.next(schedule, low)
  low = math.max(low, 0)
  local today = math.floor(low / DAY)
  if schedule.pattern.daily then  -- by far the most common
    local second = next_in_day(schedule, low - today * DAY)
    local found = second and today * DAY + second or (today + 1) * DAY + next_in_day(schedule, 0)
    return found < YEARS_END and found or nil
  end
  local day = next_day(schedule.pattern, today)
  if day == today then
    local second = next_in_day(schedule, low - day * DAY)
    if second then return day * DAY + second end
    day = next_day(schedule.pattern, day + 1)
  end
  return day and day * DAY + next_in_day(schedule, 0)
end

-- How many times of a day that runs come before `second`.
local function before_in_day(schedule, second)
  if schedule.fixed then return schedule.fixed < second and 1 or 0 end
  local pattern = schedule.pattern
  local hours, minutes, seconds = pattern.hours, pattern.minutes, pattern.seconds
  local hour, minute = math.floor(second / 3600), math.floor(second / 60) % 60
  local n = hours.before[hour] * minutes.n * seconds.n
  if hours.least[hour] ~= hour then return n end
  n = n + minutes.before[minute] * seconds.n
  if minutes.least[minute] ~= minute then return n end
  return n + seconds.before[second % 60]
end

local function times_a_day(schedule)
  local pattern = schedule.pattern
  return schedule.fixed and 1 or pattern.hours.n * pattern.minutes.n * pattern.seconds.n
end

-- The days of a month, as a ranked set; nil when its year or month is none of the schedule's.
local function days_in(pattern, year, month)
  if pattern.years.least[year] ~= year or pattern.months.least[month] ~= month then return nil end
  return month_days.of(pattern.rule, year, month)
end

local function runs_on(pattern, day)
  if pattern.daily then return true end
  local year, month, date = calendar.date(day)
  local days = days_in(pattern, year, month)
  return days and days.least[date] == date
end

-- How many days that run lie from `day` on and before `limit`; and over how many months.
local function count_days(pattern, day, limit)
  if pattern.daily then return limit - day, 1 end
  local year, month, date = calendar.date(day)
  local last_year, last_month, last_date = calendar.date(limit)
  local n, months = 0, 0
  while year < last_year or (year == last_year and month <= last_month) do
    local days = days_in(pattern, year, month)
    if days then
      local is_last = year == last_year and month == last_month
      n = n + (is_last and days.before[last_date] or days.n) - days.before[date]
    end
    if month < 12 then month = month + 1 else year, month = year + 1, 1 end
    date, months = 1, months + 1
  end
  return n, months
end

-- How many times lie from `low` to `high`, both included; and how many months that took.
function wall_clock.count(schedule, low, high)
  if high < low then return 0, 0 end
  low, high = math.max(low, 0), high + 1
  local first, last = math.floor(low / DAY), math.floor(high / DAY)
  local days, months = count_days(schedule.pattern, first, last)
  local n = days * times_a_day(schedule)
  if runs_on(schedule.pattern, first) then n = n - before_in_day(schedule, low - first * DAY) end
  if runs_on(schedule.pattern, last) then n = n + before_in_day(schedule, high - last * DAY) end
  return n, months
end

return wall_clock
