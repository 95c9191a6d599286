local wall_clock = require 'cron.wall_clock'
local zones = require 'time.zones'

local occurrences = {}

-- When a cron schedule runs, in a zone whose clock changes. Times are whole seconds since the epoch, UTC.
--
-- A zone's time is cut into stretches in which its clock does not change: local = utc + offset. At the start of a
-- stretch the clock was set forward, which leaves a gap of local times that never are, or back, which shows some
-- twice. What that means for a schedule, change_rule in patterns.lua says.
local DAY = 86400
local CORRECTION = 10800  -- seconds by which a clock is corrected rather than moved for a season, as in cron(8)

local function offset_at(schedule, utc)
  if not schedule.zone then return 0, math.huge end
  return zones.offset_at(schedule.zone, utc)
end

-- Whether the rule for clock changes holds where the offset changes so: not for a correction, with cron's own rule.
local function has_rule(schedule, before, offset)
  return schedule.pattern.once and not (schedule.pattern.shifts and math.abs(offset - before) >= CORRECTION)
end

-- The stretch in which `after` lies. Returns the first local time after it that may run, the offset and the UTC
-- second at which the stretch ends.
local function stretch_of(schedule, after)
  local offset, change = offset_at(schedule, after)
  local low = after + 1 + offset
  if schedule.pattern.once and schedule.zone then
    local before, changed = offset_at(schedule, after - DAY)
    if changed <= after and has_rule(schedule, before, offset) then
      low = math.max(low, changed + before)  -- all before that has been shown already
    end
  end
  return low, offset, change
end

-- The stretch that begins where the one with the offset `before` ends. Returns the same, and, if what falls into the gap
-- before it runs late, where that gap begins.
local function following_stretch(schedule, start, before)
  local offset, change = offset_at(schedule, start)
  local low, has_rules = start + offset, has_rule(schedule, before, offset)
  if has_rules then low = math.max(low, start + before) end
  return low, offset, change, has_rules and schedule.pattern.shifts and start + before or nil
end

-- The local time at which what fell into a gap runs: the first whole minute after it.
local function after_gap(gap_end)
  return math.ceil(gap_end / 60) * 60
end

local function search(schedule, after)
  local low, offset, change = stretch_of(schedule, after)
  local found = wall_clock.next(schedule, low)
  local is_whole = false  -- whether the search began where its stretch does
  while not found or found - offset >= change do
    if change == math.huge or (is_whole and not found) then return nil end
    -- Nothing is near: begin again shortly before it, rather than to go through the stretches between.
    if is_whole and found - 2 * DAY > change then return search(schedule, found - 2 * DAY) end
    local gap
    low, offset, change, gap = following_stretch(schedule, change, offset)
    if gap and found and found < low then return after_gap(low) - offset end  -- it fell into the gap
    found, is_whole = wall_clock.next(schedule, low), true
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
local function runs_late(schedule, gap, gap_end)
  local late = after_gap(gap_end)
  return wall_clock.count(schedule, gap, gap_end - 1) > 0 and wall_clock.count(schedule, late, late) == 0
end

local function count(schedule, after, upto)
  local low, offset, change = stretch_of(schedule, after)
  local gap
  local total, strides = wall_clock.count(schedule, low, math.min(upto, change - 1) + offset)
  while change <= upto do
    low, offset, change, gap = following_stretch(schedule, change, offset)
    local n, months = wall_clock.count(schedule, low, math.min(upto, change - 1) + offset)
    if gap and low > gap and runs_late(schedule, gap, low) then n = n + 1 end
    total, strides = total + n, strides + months
  end
  return total, strides
end

-- How many runs lie after `after` and not after `upto`; and how many strides that took.
function occurrences.count(schedule, after, upto)
  if schedule.since == after and schedule.upto == upto then return schedule.total, 0 end
  local total, strides = count(schedule, after, upto)
  schedule.since, schedule.upto, schedule.total = after, upto, total
  return total, strides
end

return occurrences
