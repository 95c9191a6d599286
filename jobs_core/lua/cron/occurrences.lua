local wall_clock = require 'cron.wall_clock'
local zones = require 'time.zones'

local occurrences = {}

-- When a cron schedule runs, in a zone whose clock changes. Times are whole seconds since the epoch, UTC.
--
-- A zone's time is cut into stretches in which its clock does not change: local = utc + offset. At the start of a
-- stretch the clock was set forward, which leaves a gap of local times that never are, or back, which shows some
-- twice. What that means for a schedule, change_rule in patterns.lua says.
local DAY = 86400

local function offset_at(schedule, utc)
  if not schedule.zone then return 0, math.huge end
  return zones.offset_at(schedule.zone, utc)
end

-- The stretch in which `after` lies. Returns the first local time after it that may run, the offset and the UTC
-- second at which the stretch ends.
local function segment_at(schedule, after)
  local offset, change = offset_at(schedule, after)
  local low = after + 1 + offset
  if schedule.pattern.once and schedule.zone then
    local before, changed = offset_at(schedule, after - DAY)
    if changed <= after then low = math.max(low, changed + before) end  -- all before that has been shown already
  end
  return low, offset, change
end

-- The stretch that begins where the one with the offset `before` ends. Returns the same, and where the gap, if there
-- is one, begins.
local function next_segment(schedule, start, before)
  local offset, change = offset_at(schedule, start)
  local low = start + offset
  if schedule.pattern.once then low = math.max(low, start + before) end
  return low, offset, change, start + before
end

-- The local time at which what fell into a gap runs: the first whole minute after it.
local function after_gap(gap_end)
  return math.ceil(gap_end / 60) * 60
end

local function search(schedule, after)
  local low, offset, change = segment_at(schedule, after)
  local found = wall_clock.next(schedule, low)
  local at_segment_start = false  -- whether the search began where its stretch does
  while not found or found - offset >= change do
    if change == math.huge or (at_segment_start and not found) then return nil end
    -- Nothing is near: begin again shortly before it, rather than to go through the stretches between.
    if at_segment_start and found - 2 * DAY > change then return search(schedule, found - 2 * DAY) end
    low, offset, change = next_segment(schedule, change, offset)
    if schedule.pattern.shifts and found and found < low then return after_gap(low) - offset end  -- it fell into the gap
    found, at_segment_start = wall_clock.next(schedule, low), true
  end
  return found - offset
end

-- The first run after `after`; nil when there is none.
function occurrences.next_after(schedule, after)
  if schedule.after ~= after then  -- the next job of the same schedule was often due at the same time
    schedule.after, schedule.found = after, search(schedule, after)
  end
  return schedule.found
end

-- Whether what fell into a gap makes a run of its own: not when its late time is one that runs anyway.
local function runs_after_gap(schedule, gap, gap_end)
  local late = after_gap(gap_end)
  return wall_clock.count(schedule, gap, gap_end - 1) > 0 and wall_clock.count(schedule, late, late) == 0
end

local function count(schedule, after, upto)
  local low, offset, change = segment_at(schedule, after)
  local gap
  local total, iterations = wall_clock.count(schedule, low, math.min(upto, change - 1) + offset)
  while change <= upto do
    low, offset, change, gap = next_segment(schedule, change, offset)
    local n, months = wall_clock.count(schedule, low, math.min(upto, change - 1) + offset)
    if schedule.pattern.shifts and low > gap and runs_after_gap(schedule, gap, low) then n = n + 1 end
    total, iterations = total + n, iterations + months
  end
  return total, iterations
end

-- How many runs lie after `after` and not after `upto`; and how many strides that took.
function occurrences.count(schedule, after, upto)
  if schedule.since == after and schedule.upto == upto then return schedule.total, 0 end
  local total, iterations = count(schedule, after, upto)
  schedule.since, schedule.upto, schedule.total = after, upto, total
  return total, iterations
end

return occurrences
