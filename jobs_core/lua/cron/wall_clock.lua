-- Searches and counts the times of a cron schedule on a clock that never changes. Times are seconds since
-- 1970-01-01T00:00:00 on that clock. A schedule has a `pattern` and, if it has a fixed time, its second of the day in
-- `fixed`.

local month_days = require 'cron.month_days'
local calendar = require 'time.calendar'

local wall_clock = {}

local DAY = 86400
local YEARS_END = 7258118400  -- 2200-01-01
local MAX_DAYS = 16  -- per pattern

-- Return the first second of the day at or after `second` that matches the time fields, if there is one.
local function next_in_day(schedule, second)
  if schedule.fixed then return second <= schedule.fixed and schedule.fixed or nil end
  local pattern = schedule.pattern
  local hours, minutes, seconds = pattern.hours, pattern.minutes, pattern.seconds
  local hour_now = math.floor(second / 3600)
  local hour = hours.ceiling[hour_now]
  if hour == hour_now then
    local minute_now = math.floor(second / 60) % 60
    local minute = minutes.ceiling[minute_now]
    if minute == minute_now then
      local found = seconds.ceiling[second % 60]
      if found then return hour * 3600 + minute * 60 + found end
      minute = minutes.ceiling[minute + 1]
    end
    if minute then return hour * 3600 + minute * 60 + seconds.first end
    hour = hours.ceiling[hour + 1]
  end
  return hour and hour * 3600 + minutes.first * 60 + seconds.first
end

local function search_day(pattern, day)
  local year, month, date = calendar.date(day)
  while true do
    local next_year = pattern.years.ceiling[year]
    if not next_year then return nil end
    if next_year > year then year, month, date = next_year, 1, 1 end
    local next_month = pattern.months.ceiling[month]
    if next_month then
      if next_month > month then month, date = next_month, 1 end
      local found = month_days.of(pattern.rule, year, month).ceiling[date]
      if found then return calendar.day_number(year, month, found) end
    end
    if next_month and month < 12 then month = month + 1 else year, month = year + 1, 1 end
    date = 1
  end
end

-- Return the first day that runs at or after `day`, in days since 1970. Cached, because all jobs of a pattern that are
-- due on one day ask for the same.
local function next_day(pattern, day)
  local day_cache = pattern.day_cache
  local found = day_cache.days[day]
  if found == nil then
    if day_cache.n == MAX_DAYS then day_cache.days, day_cache.n = {}, 0 end
    found = search_day(pattern, day) or false
    day_cache.days[day], day_cache.n = found, day_cache.n + 1
  end
  return found or nil
end

-- Return the first time at or after `low`, or nil if there is none from 1970 to 2199.
function wall_clock.next(schedule, low)
  low = math.max(low, 0)
  local today = math.floor(low / DAY)
  if schedule.pattern.daily then  -- fast path for most patterns
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

-- Count the times of a day before `second`.
local function count_before(schedule, second)
  if schedule.fixed then return schedule.fixed < second and 1 or 0 end
  local pattern = schedule.pattern
  local hours, minutes, seconds = pattern.hours, pattern.minutes, pattern.seconds
  local hour, minute = math.floor(second / 3600), math.floor(second / 60) % 60
  local n = hours.rank[hour] * minutes.n * seconds.n
  if hours.ceiling[hour] ~= hour then return n end
  n = n + minutes.rank[minute] * seconds.n
  if minutes.ceiling[minute] ~= minute then return n end
  return n + seconds.rank[second % 60]
end

local function times_a_day(schedule)
  local pattern = schedule.pattern
  return schedule.fixed and 1 or pattern.hours.n * pattern.minutes.n * pattern.seconds.n
end

-- Return the days of a month that run, as a number set, or nil if its year or month does not match.
local function days_in(pattern, year, month)
  if pattern.years.ceiling[year] ~= year or pattern.months.ceiling[month] ~= month then return nil end
  return month_days.of(pattern.rule, year, month)
end

local function runs_on(pattern, day)
  if pattern.daily then return true end
  local year, month, date = calendar.date(day)
  local days = days_in(pattern, year, month)
  return days and days.ceiling[date] == date
end

-- Count the days that run from `day` up to, but not including, `limit`. Returns the count and the number of months
-- visited.
local function count_days(pattern, day, limit)
  if pattern.daily then return limit - day, 1 end
  local year, month, date = calendar.date(day)
  local last_year, last_month, last_date = calendar.date(limit)
  local n, months = 0, 0
  while year < last_year or (year == last_year and month <= last_month) do
    local days = days_in(pattern, year, month)
    if days then
      local is_last = year == last_year and month == last_month
      n = n + (is_last and days.rank[last_date] or days.n) - days.rank[date]
    end
    if month < 12 then month = month + 1 else year, month = year + 1, 1 end
    date, months = 1, months + 1
  end
  return n, months
end

-- Count the times from `low` to `high`, both included. Returns the count and the number of months visited.
function wall_clock.count(schedule, low, high)
  if high < low then return 0, 0 end
  low, high = math.max(low, 0), high + 1
  local first, last = math.floor(low / DAY), math.floor(high / DAY)
  local days, months = count_days(schedule.pattern, first, last)
  local n = days * times_a_day(schedule)
  if runs_on(schedule.pattern, first) then n = n - count_before(schedule, low - first * DAY) end
  if runs_on(schedule.pattern, last) then n = n + count_before(schedule, high - last * DAY) end
  return n, months
end

return wall_clock
