local calendar = require 'time.calendar'

local period = {}

-- Occurrences that are months apart, and perhaps some days or hours more: start, start + 1 period, start + 2 periods …
-- each counted from the start, so that the 31st comes again after a month that has none. Heads have `i`, the months of
-- a period, `k`, its ms beside them, and `u`, the offset of the clock by which the start was given, in ms.
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

-- The number of the first occurrence after `after`.
local function number_after(head, after)
  local n = math.max(0, math.floor((after - head.start) / (head.months * MONTH + head.month_rest)) - 2)
  while nth(head, n) <= after do n = n + 1 end
  return n
end

-- The first occurrence after `after`; and how many lie between `from` and it.
function period.next(head, from, after)
  local n = number_after(head, after)
  return nth(head, n), n - number_after(head, from)
end

return period
