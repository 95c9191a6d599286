-- On which days of a month a cron pattern runs. `rule` has its two day fields as sets, `month` (days of the month) and
-- `week` (weekdays). `both` says that a day must match both. By its length and the weekday of its first day, a month has
-- one of 28 shapes. The days are computed once for each.

local number_set = require 'cron.number_set'
local calendar = require 'time.calendar'

local month_days = {}

-- Return the working day nearest to a day of the month, in the same month, or nil if the month has no such day.
local function nearest_working_day(day, length, first)
  if day > length then return nil end
  local weekday = (first + day - 1) % 7
  if weekday == 6 then return day > 1 and day - 1 or 3 end
  if weekday == 0 then return day < length and day + 1 or length - 2 end
  return day
end

local function days_of_shape(rule, length, first)
  local month, week, days = rule.month, rule.week, {}
  local working_day = month.W and nearest_working_day(month.W == 'L' and length or month.W, length, first)
  for day = 1, length do
    local weekday = (first + day - 1) % 7
    local by_month = month[day] or day == working_day or (month.L and day == length)
    local by_week = week[weekday] or week[10 * math.ceil(day / 7) + weekday]
      or (week[60 + weekday] and day + 7 > length)
    if rule.both then days[day] = by_month and by_week else days[day] = by_month or by_week end
  end
  return number_set.new(days, 1, length)
end

-- Return the days of a month that match the rule, as a number set.
function month_days.of(rule, year, month)
  local length, first = calendar.month_length(year, month), calendar.weekday(calendar.day_number(year, month, 1))
  local shape = 7 * length + first
  local days = rule.shapes[shape]
  if not days then
    days = days_of_shape(rule, length, first)
    rule.shapes[shape] = days
  end
  return days
end

return month_days
