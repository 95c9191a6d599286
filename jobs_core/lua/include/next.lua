-- When a job runs. All times are ms; nil means never again.

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
  if time <= math.min(head.t or LAST, LAST) then return time end
end

-- The first occurrence at or after `time`, whatever has run before.
local function first_run(head, time)
  if head.a then return within(head, head.a) end
  if not head.e then return nil end
  if time <= head.s then return within(head, head.s) end
  return within(head, (follow(head, head.s, time - 1)))
end

-- The occurrence after the one at `due`, given that it is `now` (`due` or later); how many were passed over; and
-- the strides of `follow`.
local function next_run(head, due, now)
  local every = head.e
  if not every then return nil, 0 end
  local soon = due + every
  if now < soon and not head.d then return within(head, soon), 0 end  -- by far the most common
  local found, passed, strides = follow(head, due, now)
  -- What lies past `stop` was never due.
  if head.t and now > head.t then passed = select(2, follow(head, due, head.t)) end
  return within(head, found), passed, strides
end

-- The first occurrence from `now` on, where the one at `due` was to be the next.
local function next_from(head, due, now)
  if not due or due >= now then return due end
  return (next_run(head, due, now - 1))
end
