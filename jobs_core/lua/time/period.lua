-- Occurrences that are months apart, plus a fixed rest: start, start + 1 period, start + 2 periods … Each is counted from
-- the start, so that the 31st returns after a shorter month. A head has `months` and `month_rest` (ms) of a period, and
-- `clock_offset` (ms), the offset with which the start was given.

local calendar = require 'time.calendar'

local period = {}

local DAY, MONTH = 86400000, 2629746000  -- ms; the mean length of a month

local function nth(head, n)
  local clock = head.start + head.clock_offset
  local days = math.floor(clock / DAY)
  local year, month, day = calendar.date(days)
  month = month - 1 + n * head.months
  year, month = year + math.floor(month / 12), month % 12 + 1
  day = math.min(day, calendar.month_length(year, month))
  return calendar.day_number(year, month, day) * DAY + clock - days * DAY - head.clock_offset + n * head.month_rest
end

-- Return the number of the first occurrence after `after`.
local function number_after(head, after)
  local n = math.max(0, math.floor((after - head.start) / (head.months * MONTH + head.month_rest)) - 2)
  while nth(head, n) <= after do n = n + 1 end
  return n
end

-- Return the first occurrence after `after`, and how many lie between `from` and it.
function period.next(head, from, after)
  local n = number_after(head, after)
  return nth(head, n), n - number_after(head, from)
end

return period
