-- When a job runs. All times are ms, and nil means never again. Cron patterns need the job's id, and a cache from
-- patterns.new_cache.

local fields = require 'cron.fields'
local occurrences = require 'cron.occurrences'
local patterns = require 'cron.patterns'
local instant = require 'time.instant'
local period = require 'time.period'

local next_run = {}

local MAX_ITERATIONS = 1000  -- changes of a decaying interval that one call follows before it starts again from now

-- Return the interval at `time`: every × decay^floor((time − start) / step). It is never less than a second (or than
-- `every`, if that is less), so it cannot shrink to nothing.
local function interval_at(head, time)
  if not head.decay then return head.every end
  local interval = head.every * head.decay ^ math.floor((time - head.start) / head.step)
  return math.max(math.floor(interval + 0.5), math.min(head.every, 1000))
end

-- Return the first occurrence after `after` and not before the one at `from`, how many lie between them, and how many
-- iterations that took, if more than one.
local function next_occurrence(head, from, after)
  if head.months then return period.next(head, from, after) end
  if not head.decay then
    local passed = math.floor((after - from) / head.every)
    return from + (passed + 1) * head.every, passed
  end
  local time, passed = from, 0
  for iteration = 1, MAX_ITERATIONS do
    local interval = interval_at(head, time)
    -- The interval is constant until the next change, so skip all occurrences before it at once.
    local change = head.start + (math.floor((time - head.start) / head.step) + 1) * head.step
    local upto = math.min(after, change - 1)
    local steps = math.max(1, math.floor((upto - time) / interval) + 1)
    time = time + steps * interval
    if time > after then return time, passed + steps - 1, iteration end
    passed = passed + steps
  end
  return after + interval_at(head, after), passed, MAX_ITERATIONS
end

local function before_stop(head, time)
  if time and time < instant.END and (not head.stop or time <= head.stop) then return time end
end

-- Return the first time of a cron schedule after `after`.
local function cron_after(schedule, after)
  local found = occurrences.next_after(schedule, math.floor(after / 1000))
  return found and found * 1000 < instant.END and found * 1000 or nil
end

-- As next_run.after, for a cron pattern.
local function next_cron_run(head, due, now, cache, id)
  local schedule = patterns.schedule(cache, head, id)
  local found = cron_after(schedule, due)
  if not found or found > now then return before_stop(head, found), 0 end
  -- What lies past `stop` was never due.
  local upto = math.min(now, head.stop or now)
  local passed, iterations = occurrences.count(schedule, math.floor(due / 1000), math.floor(upto / 1000))
  return before_stop(head, cron_after(schedule, now)), passed, iterations
end

local function first_cron_run(head, time, cache, id)
  return cron_after(patterns.schedule(cache, head, id), math.max(time, head.start) - 1)
end

-- Return the first occurrence at or after `time`, whatever has run before.
function next_run.first(head, time, cache, id)
  if head.at then return before_stop(head, head.at) end
  if head.cron then return before_stop(head, first_cron_run(head, time, cache, id)) end
  if not (head.every or head.months) then return nil end
  if time <= head.start then return before_stop(head, head.start) end
  return before_stop(head, (next_occurrence(head, head.start, time - 1)))
end

-- Return the first run of a schedule that is set at `now`. The interval of a new job starts now. A cron pattern, and the
-- new schedule of an existing job, start after now.
function next_run.initial(head, now, is_new, cache, id)
  if not head.cron then return next_run.first(head, is_new and now or now + 1) end
  local found = first_cron_run(head, now + 1, cache, id)
  if not found then fields.reject_without_runs(head.cron) end
  return before_stop(head, found)
end

local function next_until_stop(head, due, now)
  local found, passed, iterations = next_occurrence(head, due, now)
  -- What lies past `stop` was never due.
  if head.stop and now > head.stop then passed = select(2, next_occurrence(head, due, head.stop)) end
  return before_stop(head, found), passed, iterations
end

-- Return the occurrence that follows the one at `due` and is after `now`, how many lie between, and how many iterations
-- that took.
function next_run.after(head, due, now, cache, id)
  local every = head.every
  if not every then
    if head.cron then return next_cron_run(head, due, now, cache, id) end
    if head.months then return next_until_stop(head, due, now) end
    return nil, 0
  end
  local soon = due + every
  if now < soon and not head.decay then return before_stop(head, soon), 0 end  -- fast path for most jobs
  return next_until_stop(head, due, now)
end

-- Return the first occurrence from `now` on, given the next one at `due`.
function next_run.from(head, due, now, cache, id)
  if not due or due >= now then return due end
  return (next_run.after(head, due, now - 1, cache, id))
end

return next_run
