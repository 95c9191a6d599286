--- @include "calendar_period"
--- @include "cron_next"

-- When a job runs. All times are ms; nil means never again. For a job with a cron pattern it takes the job's id, and an
-- almanac, which new_almanac makes for a call of a command.

local LAST = 7258118400000  -- the end of 2199: a decaying interval may grow beyond any date
local STRIDES = 1000  -- how many changes of a decaying interval one call follows before it starts afresh

-- The interval that holds at `time`: every × decay^floor((time − start) / step). It never falls below a
-- second (or below `every`, if that is less), so that it cannot shrink to nothing.
local function interval_at(head, time)
  if not head.d then return head.e end
  local interval = head.e * head.d ^ math.floor((time - head.s) / head.p)
  return math.max(math.floor(interval + 0.5), math.min(head.e, 1000))
end

-- The first occurrence after `after`, which is not before the one at `from`; how many lie between; and how many
-- strides it took to find, where that is more than one.
local function follow(head, from, after)
  if head.i then return period.follow(head, from, after) end
  if not head.d then
    local passed = math.floor((after - from) / head.e)
    return from + (passed + 1) * head.e, passed
  end
  local time, passed = from, 0
  for stride = 1, STRIDES do
    local interval = interval_at(head, time)
    -- The interval is the same for every occurrence before the next change: cross those in one stride.
    local change = head.s + (math.floor((time - head.s) / head.p) + 1) * head.p
    local upto = math.min(after, change - 1)
    local steps = math.max(1, math.floor((upto - time) / interval) + 1)
    time = time + steps * interval
    if time > after then return time, passed + steps - 1, stride end
    passed = passed + steps
  end
  return after + interval_at(head, after), passed, STRIDES
end

local function within(head, time)
  if time and time <= math.min(head.t or LAST, LAST) then return time end
end

-- The first time of a cron schedule after `after`.
local function cron_after(schedule, after)
  local found = cron.next(schedule, math.floor(after / 1000))
  return found and found * 1000
end

-- As next_run, for a job with a cron pattern.
local function next_cron_run(head, due, now, almanac, id)
  local schedule = cron.schedule(almanac, head, id)
  local found = cron_after(schedule, due)
  if not found or found > now then return within(head, found), 0 end
  -- What lies past `stop` was never due.
  local upto = math.min(now, head.t or now)
  local passed, strides = cron.count(schedule, math.floor(due / 1000), math.floor(upto / 1000))
  return within(head, cron_after(schedule, now)), passed, strides
end

local function first_cron_run(head, time, almanac, id)
  return cron_after(cron.schedule(almanac, head, id), math.max(time, head.s) - 1)
end

-- The first occurrence at or after `time`, whatever has run before.
local function first_run(head, time, almanac, id)
  if head.a then return within(head, head.a) end
  if head.c then return within(head, first_cron_run(head, time, almanac, id)) end
  if not (head.e or head.i) then return nil end
  if time <= head.s then return within(head, head.s) end
  return within(head, (follow(head, head.s, time - 1)))
end

-- The first run of a schedule that is given at `now`. An interval of a new job begins at once; a cron pattern, and what
-- an update brings, comes after `now`.
local function opening_run(head, now, is_new, almanac, id)
  if not head.c then return first_run(head, is_new and now or now + 1) end
  local found = first_cron_run(head, now + 1, almanac, id)
  if not found then
    cron.refuse_never(head.c)
  end
  return within(head, found)
end

local function follow_until(head, due, now)
  local found, passed, strides = follow(head, due, now)
  -- What lies past `stop` was never due.
  if head.t and now > head.t then passed = select(2, follow(head, due, head.t)) end
  return within(head, found), passed, strides
end

-- The occurrence after the one at `due`, given that it is `now` (`due` or later); how many were passed over; and
-- how many strides that took.
local function next_run(head, due, now, almanac, id)
  local every = head.e
  if not every then
    if head.c then return next_cron_run(head, due, now, almanac, id) end
    if head.i then return follow_until(head, due, now) end
    return nil, 0
  end
  local soon = due + every
  if now < soon and not head.d then return within(head, soon), 0 end  -- by far the most common
  return follow_until(head, due, now)
end

-- The first occurrence from `now` on, where the one at `due` was to be the next.
local function next_from(head, due, now, almanac, id)
  if not due or due >= now then return due end
  return (next_run(head, due, now - 1, almanac, id))
end
