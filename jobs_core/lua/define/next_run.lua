-- When a job runs. All times are ms; nil means never again. For a job with a cron pattern it takes the job's id, and an
-- cache, which new_cache makes for a call of a command.

local fields = require 'cron.fields'
local occurrences = require 'cron.occurrences'
local patterns = require 'cron.patterns'
local instant = require 'time.instant'
local period = require 'time.period'

local next_run = {}

local STRIDES = 1000  -- how many changes of a decaying interval one call follows before it starts afresh

-- The interval that holds at `time`: every × decay^floor((time − start) / step). It never falls below a
-- second (or below `every`, if that is less), so that it cannot shrink to nothing.
local function interval_at(head, time)
  if not head.decay then return head.every end
  local interval = head.every * head.decay ^ math.floor((time - head.start) / head.step)
  return math.max(math.floor(interval + 0.5), math.min(head.every, 1000))
end

-- The first occurrence after `after`, which is not before the one at `from`; how many lie between; and how many
-- strides it took to find, where that is more than one.
local function next_occurrence(head, from, after)
  if head.months then return period.next(head, from, after) end
  if not head.decay then
    local passed = math.floor((after - from) / head.every)
    return from + (passed + 1) * head.every, passed
  end
  local time, passed = from, 0
  for stride = 1, STRIDES do
    local interval = interval_at(head, time)
    -- The interval is the same for every occurrence before the next change: cross those in one stride.
    local change = head.start + (math.floor((time - head.start) / head.step) + 1) * head.step
    local upto = math.min(after, change - 1)
    local steps = math.max(1, math.floor((upto - time) / interval) + 1)
    time = time + steps * interval
    if time > after then return time, passed + steps - 1, stride end
    passed = passed + steps
  end
  return after + interval_at(head, after), passed, STRIDES
end

local function within(head, time)
  if time and time < instant.END and (not head.stop or time <= head.stop) then return time end
end

-- The first time of a cron schedule after `after`.
local function cron_after(schedule, after)
  local found = occurrences.next_after(schedule, math.floor(after / 1000))
  return found and found * 1000 < instant.END and found * 1000 or nil
end

-- As next_run, for a job with a cron pattern.
local function next_cron_run(head, due, now, cache, id)
  local schedule = patterns.schedule(cache, head, id)
  local found = cron_after(schedule, due)
  if not found or found > now then return within(head, found), 0 end
  -- What lies past `stop` was never due.
  local upto = math.min(now, head.stop or now)
  local passed, strides = occurrences.count(schedule, math.floor(due / 1000), math.floor(upto / 1000))
  return within(head, cron_after(schedule, now)), passed, strides
end

local function first_cron_run(head, time, cache, id)
  return cron_after(patterns.schedule(cache, head, id), math.max(time, head.start) - 1)
end

-- The first occurrence at or after `time`, whatever has run before.
function next_run.first(head, time, cache, id)
  if head.at then return within(head, head.at) end
  if head.cron then return within(head, first_cron_run(head, time, cache, id)) end
  if not (head.every or head.months) then return nil end
  if time <= head.start then return within(head, head.start) end
  return within(head, (next_occurrence(head, head.start, time - 1)))
end

-- The first run of a schedule that is given at `now`. An interval of a new job begins at once; a cron pattern, and what
-- an update brings, comes after `now`.
function next_run.opening(head, now, is_new, cache, id)
  if not head.cron then return next_run.first(head, is_new and now or now + 1) end
  local found = first_cron_run(head, now + 1, cache, id)
  if not found then fields.reject_without_runs(head.cron) end
  return within(head, found)
end

local function next_until_stop(head, due, now)
  local found, passed, strides = next_occurrence(head, due, now)
  -- What lies past `stop` was never due.
  if head.stop and now > head.stop then passed = select(2, next_occurrence(head, due, head.stop)) end
  return within(head, found), passed, strides
end

-- The occurrence after the one at `due`, given that it is `now` (`due` or later); how many were passed over; and
-- how many strides that took.
function next_run.after(head, due, now, cache, id)
  local every = head.every
  if not every then
    if head.cron then return next_cron_run(head, due, now, cache, id) end
    if head.months then return next_until_stop(head, due, now) end
    return nil, 0
  end
  local soon = due + every
  if now < soon and not head.decay then return within(head, soon), 0 end  -- by far the most common
  return next_until_stop(head, due, now)
end

-- The first occurrence from `now` on, where the one at `due` was to be the next.
function next_run.from(head, due, now, cache, id)
  if not due or due >= now then return due end
  return (next_run.after(head, due, now - 1, cache, id))
end

return next_run
