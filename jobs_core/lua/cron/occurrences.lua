-- When a cron schedule runs, in a zone whose clock changes. Times are whole seconds since the epoch, UTC.
--
-- The time of a zone is a sequence of segments with a constant offset: local = utc + offset. At the start of a segment the
-- clock goes forward, which leaves a gap of local times that do not exist, or back, which repeats some. change_rule in
-- patterns.lua says how a schedule handles either.

local wall_clock = require 'cron.wall_clock'
local zones = require 'time.zones'

local occurrences = {}

local DAY = 86400
local CORRECTION = 10800  -- seconds by which a clock is corrected rather than moved for a season, as in cron(8)

local function offset_at(schedule, utc)
  if not schedule.zone then return 0, math.huge end
  return zones.offset_at(schedule.zone, utc)
end

-- Whether the clock-change rule applies to this change of the offset. With vixie, corrections are exempt.
local function has_rule(schedule, before, offset)
  return schedule.pattern.once and not (schedule.pattern.shifts and math.abs(offset - before) >= CORRECTION)
end

-- Find the segment that contains `after`. Returns the first local time after it that may run, the offset, and the UTC
-- second at which the segment ends.
local function segment_at(schedule, after)
  local offset, change = offset_at(schedule, after)
  local low = after + 1 + offset
  if schedule.pattern.once and schedule.zone then
    local before, changed = offset_at(schedule, after - DAY)
    if changed <= after and has_rule(schedule, before, offset) then
      low = math.max(low, changed + before)  -- skip times already shown before
    end
  end
  return low, offset, change
end

-- Find the segment that starts where the one with the offset `before` ends. Returns the same, and the start of the gap
-- before it, if times in the gap run late.
local function next_segment(schedule, start, before)
  local offset, change = offset_at(schedule, start)
  local low, has_rules = start + offset, has_rule(schedule, before, offset)
  if has_rules then low = math.max(low, start + before) end
  return low, offset, change, has_rules and schedule.pattern.shifts and start + before or nil
end

-- Return the local time at which a run in a gap takes place: the first whole minute after the gap.
local function after_gap(gap_end)
  return math.ceil(gap_end / 60) * 60
end

local function search(schedule, after)
  local low, offset, change = segment_at(schedule, after)
  local found = wall_clock.next(schedule, low)
  local at_segment_start = false  -- whether the search began at the start of a segment
  while not found or found - offset >= change do
    if change == math.huge or (at_segment_start and not found) then return nil end
    -- The next candidate is far away: continue shortly before it, instead of visiting every segment between.
    if at_segment_start and found - 2 * DAY > change then return search(schedule, found - 2 * DAY) end
    local gap
    low, offset, change, gap = next_segment(schedule, change, offset)
    if gap and found and found < low then return after_gap(low) - offset end  -- in the gap
    found, at_segment_start = wall_clock.next(schedule, low), true
  end
  return found - offset
end

-- Return the first run after `after`, or nil if there is none.
function occurrences.next_after(schedule, after)
  if schedule.after ~= after then  -- the next job of the same schedule is often due at the same time
    schedule.after, schedule.found = after, search(schedule, after)
  end
  return schedule.found
end

-- Whether the runs in a gap cause an extra run after it. They do not if the schedule runs at that time anyway.
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
    if gap and low > gap and runs_after_gap(schedule, gap, low) then n = n + 1 end
    total, iterations = total + n, iterations + months
  end
  return total, iterations
end

-- Count the runs after `after` up to and including `upto`. Returns the count and the iterations it took.
function occurrences.count(schedule, after, upto)
  if schedule.since == after and schedule.upto == upto then return schedule.total, 0 end
  local total, iterations = count(schedule, after, upto)
  schedule.since, schedule.upto, schedule.total = after, upto, total
  return total, iterations
end

return occurrences
