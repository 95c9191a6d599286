--- @include "instant"

-- Dates as numbers: days since 1970-01-01 in the proleptic Gregorian calendar; weekdays from 0, Sunday.

-- Answers the year, month and day of a date.
local function civil_from_days(days)
  local shifted = days + 719468  -- from 0000-03-01, so that a leap day ends its year
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

local function month_length(year, month)
  return month == 2 and not is_date(year, 2, 29) and 28 or MONTH_DAYS[month]
end

local function weekday_of(days)
  return (days + 4) % 7
end
