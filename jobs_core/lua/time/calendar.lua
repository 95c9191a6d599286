-- Dates as numbers: days since 1970-01-01 in the proleptic Gregorian calendar. Weekdays count from 0, Sunday.

local calendar = {}

function calendar.day_number(year, month, day)
  if month <= 2 then year = year - 1 end
  local era = math.floor(year / 400)
  local year_of_era = year - era * 400
  local shifted = (month + 9) % 12
  local day_of_year = math.floor((153 * shifted + 2) / 5) + day - 1
  local day_of_era = year_of_era * 365 + math.floor(year_of_era / 4) - math.floor(year_of_era / 100) + day_of_year
  return era * 146097 + day_of_era - 719468
end

calendar.MONTH_DAYS = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

function calendar.is_date(year, month, day)
  if month < 1 or month > 12 or day < 1 or day > calendar.MONTH_DAYS[month] then return false end
  local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  return leap or month ~= 2 or day < 29
end

-- Return the year, month and day of a day number.
function calendar.date(days)
  local shifted = days + 719468  -- counts from 0000-03-01, so that a leap day is the last day of its year
  local era = math.floor(shifted / 146097)
  local day_of_era = shifted - era * 146097
  local year_of_era = math.floor((day_of_era - math.floor(day_of_era / 1460)
    + math.floor(day_of_era / 36524) - math.floor(day_of_era / 146096)) / 365)
  local day_of_year = day_of_era
    - (365 * year_of_era + math.floor(year_of_era / 4) - math.floor(year_of_era / 100))
  local month = math.floor((5 * day_of_year + 2) / 153)
  local day = day_of_year - math.floor((153 * month + 2) / 5) + 1
  month = month < 10 and month + 3 or month - 9
  return year_of_era + era * 400 + (month <= 2 and 1 or 0), month, day
end

function calendar.month_length(year, month)
  return month == 2 and not calendar.is_date(year, 2, 29) and 28 or calendar.MONTH_DAYS[month]
end

function calendar.weekday(days)
  return (days + 4) % 7
end

return calendar
