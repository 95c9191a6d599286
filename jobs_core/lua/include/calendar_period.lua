--- @include "calendar"

-- Occurrences that are months apart, and perhaps some days or hours more: start, start + 1 period, start + 2 periods …
-- each counted from the start, so that the 31st comes again after a month that has none. Heads have `i`, the months of
-- a period, `k`, its ms beside them, and `u`, the offset of the clock by which the start was given, in ms.
local period = {}
do
  local DAY, MONTH = 86400000, 2629746000  -- ms; the mean length of a month

  local function nth(head, n)
    local clock = head.s + head.u
    local days = math.floor(clock / DAY)
    local year, month, day = civil_from_days(days)
    month = month - 1 + n * head.i
    year, month = year + math.floor(month / 12), month % 12 + 1
    day = math.min(day, month_length(year, month))
    return days_from_civil(year, month, day) * DAY + clock - days * DAY - head.u + n * head.k
  end

  -- The number of the first occurrence after `after`.
  local function number_after(head, after)
    local n = math.max(0, math.floor((after - head.s) / (head.i * MONTH + head.k)) - 2)
    while nth(head, n) <= after do n = n + 1 end
    return n
  end

  -- The first occurrence after `after`; and how many lie between `from` and it.
  function period.follow(head, from, after)
    local n = number_after(head, after)
    return nth(head, n), n - number_after(head, from)
  end
end
