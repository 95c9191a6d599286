local arguments = require 'base.arguments'
local fail_option = require('base.errors').fail_option
local patterns = require 'cron.patterns'
local dependencies = require 'define.dependencies'
local duration = require 'time.duration'
local instant = require 'time.instant'
local repeating = require 'time.repeating'

local schedule_options = {}

schedule_options.NAMES = {
  every = true, start = true, stop = true, duration = true, ['repeat'] = true, decay = true, step = true,
  at = true, seconds = true, minutes = true, hours = true, days = true, weeks = true, months = true,
  quarters = true, years = true, cron = true, zone = true, dst = true, jitter = true, misfire = true, grace = true,
  overlap = true, after = true, on = true, join = true, deadline = true, ['at-deadline'] = true,
}

-- The units that add up to `every`.
schedule_options.EVERY_UNITS = {
  seconds = 'second', minutes = 'minute', hours = 'hour', days = 'day',
  weeks = 'week', months = 'month', quarters = 'quarter', years = 'year',
}

local function read_positive(name, text)
  local number = text:match('^%d*%.?%d+$') and tonumber(text)
  if not number or number <= 0 or number > 1e12 then
    fail_option(name, "expected a number above 0, up to 1e12, got '" .. text .. "'")
  end
  return number
end

-- Add up `every` and seconds … years. Returns ms, or nil if none is given.
local function read_every(options)
  local total = options.every and duration.ms('every', options.every)
  for name, value in pairs(options) do
    local unit = schedule_options.EVERY_UNITS[name]
    if unit then total = (total or 0) + read_positive(name, value) * duration.UNITS[unit] end
  end
  if not total then return nil end
  if total < 1 then fail_option('every', 'expected at least 0.001 seconds') end
  if total > 3.2e12 then fail_option('every', 'expected at most a hundred years') end
  return math.floor(total + 0.5)
end

-- Constants, because a table literal inside a function is created again for each job.
local REPEATING_OPTIONS = { 'start', 'stop', 'duration', 'repeat', 'jitter', 'misfire', 'grace', 'overlap' }
local DECAY_OPTIONS, CRON_OPTIONS, AFTER_OPTIONS = { 'decay', 'step' }, { 'zone', 'dst' }, { 'on', 'join' }
local NOT_WITH_CRON = { 'at', 'decay', 'step' }
local NOT_WITH_CALENDAR = { 'at', 'cron', 'zone', 'dst', 'decay', 'step' }
local NOT_WITH_AFTER = { 'zone', 'dst', 'decay', 'step', 'misfire', 'grace' }
local DEADLINE_OPTIONS = { 'deadline', 'at-deadline' }

-- Reject any of these options, with the reason.
local function check_absent(options, names, why)
  for _, name in ipairs(names) do
    if options[name] then fail_option(name, why) end
  end
end

local MISFIRE = { coalesce = false, skip = 'skip', all = 'all' }
local AT_DEADLINE = { skip = false, run = 'run' }
local OVERLAP = { allow = false, skip = 'skip', queue = 'queue', replace = 'replace' }

-- Read one of a few words. Returns nil for the default, which a head does not store.
local function read_choice(name, text, choices, known)
  if choices[text or ''] == nil and text then fail_option(name, 'expected ' .. known .. ", got '" .. text .. "'") end
  return text and choices[text] or nil
end

-- Overlap queue and replace are a concurrency of 1: a queued run waits until the one before has ended.
local function limit_concurrency(overlap, options)
  if options.policy == 'none' then
    fail_option('overlap', options.overlap .. ' cannot be combined with policy none, which has no lease')
  end
  if overlap == 'skip' then return end
  if (options.concurrency or '1') ~= '1' then
    fail_option('concurrency', 'expected 1 with overlap ' .. options.overlap .. ", got '" .. options.concurrency .. "'")
  end
  options.concurrency = '1'
end

-- Read the rules for late and overlapping runs into the head of a repeating job.
local function read_rules(head, options)
  head.misfire = read_choice('misfire', options.misfire, MISFIRE, 'coalesce, skip or all')
  head.overlap = read_choice('overlap', options.overlap, OVERLAP, 'allow, skip, queue or replace')
  head.grace = options.grace and duration.ms('grace', options.grace)
  head.jitter = options.jitter and duration.ms('jitter', options.jitter)
  if head.overlap then limit_concurrency(head.overlap, options) end
  return head
end

-- Read the start and end of a repeating job into its head. `start` is the default.
local function read_bounds(head, options, now, start)
  if options.stop and options.duration then fail_option('stop', 'cannot be combined with duration') end
  head.start = options.start and instant.ms('start', options.start, now) or start
  head.start_given = options.start and 1 or nil
  if options.stop then head.stop = instant.ms('stop', options.stop, now) end
  if options.duration then head.stop = head.start + duration.ms('duration', options.duration) end
  if head.stop and head.stop < head.start then
    -- A job that is declared after its stop never runs, and nothing is wrong with that.
    if options.start or head.stop >= now then fail_option('stop', 'expected a time after start, so that the job runs') end
    head.start = head.stop
  end
  if options['repeat'] then head.repeats = arguments.whole_number('repeat', options['repeat'], 1) end
  head.left = head.repeats
  return read_rules(head, options)
end

local function read_at(options, now)
  check_absent(options, REPEATING_OPTIONS, 'needs every or cron: only repeating jobs have it')
  check_absent(options, DECAY_OPTIONS, 'needs every')
  return { at = options.at and instant.ms('at', options.at, now) }
end

local function read_interval(options, every)
  if options.at then fail_option('at', 'cannot be combined with every: at is for a single run') end
  if options.step and not options.decay then fail_option('step', 'needs decay') end
  local head = { every = every }
  if options.decay then
    head.decay = read_positive('decay', options.decay)
    head.step = options.step and duration.ms('step', options.step) or duration.UNITS.day
    if head.step < 1000 then fail_option('step', 'expected at least 1 second') end
  end
  return head
end

local MAX_CRON_LENGTH = 256  -- bytes

-- Two forms of other crons stand for options: `TZ=Europe/Brussels 0 3 * * *`, or CRON_TZ, for zone, and `@every 5m` for every.
local function translate_cron(options)
  local text = patterns.normalize(options.cron)
  local zone, pattern = text:match('^TZ=:?([^ ]+) (.+)$')
  if not zone then zone, pattern = text:match('^CRON_TZ=:?([^ ]+) (.+)$') end
  if zone then
    if options.zone and options.zone ~= zone then
      fail_option('zone', "expected '" .. zone .. "', as in cron, got '" .. options.zone .. "': set one of them")
    end
    options.zone, text = zone, pattern
  end
  local interval = text:match('^@every ([^R].*)$')
  if not interval then
    options.cron = text
    return
  end
  if options.every then fail_option('cron', 'cannot be combined with every') end
  options.every, options.cron = interval, nil
end

local function read_cron(options, every)
  if every then fail_option('cron', 'cannot be combined with every') end
  check_absent(options, NOT_WITH_CRON, 'cannot be combined with cron')
  local head = { cron = options.cron, zone = options.zone ~= 'UTC' and options.zone or nil }
  if #head.cron > MAX_CRON_LENGTH then
    fail_option('cron', 'expected at most ' .. MAX_CRON_LENGTH .. ' bytes, got ' .. #head.cron)
  end
  local dst = options.dst or 'vixie'
  if dst ~= 'vixie' and dst ~= 'ocps' then fail_option('dst', "expected vixie or ocps, got '" .. dst .. "'") end
  if dst == 'ocps' then head.dst = dst end
  return head
end

local function read_calendar(options, calendar, every)
  if every then fail_option('every', 'a repeating interval cannot be combined with seconds … years') end
  check_absent(options, NOT_WITH_CALENDAR, 'cannot be combined with an interval of months or years')
  return calendar
end

-- Read a job that runs after others, whenever they end. `start` defaults to the time it is put.
local function read_after(options, now, start)
  check_absent(options, NOT_WITH_AFTER, 'cannot be combined with after, unless the job also has a time: every, cron or at')
  check_absent(options, DEADLINE_OPTIONS, 'needs a time, beside after: every, cron or at')
  return read_bounds({}, options, now, start)
end

-- Read a job that runs at a time. `start` is the default.
local function read_time(options, now, start, calendar, every)
  if calendar then return read_bounds(read_calendar(options, calendar, every), options, now, start) end
  if options.cron then return read_bounds(read_cron(options, every), options, now, start) end
  check_absent(options, CRON_OPTIONS, 'applies only with cron: add cron, or leave it out')
  if not every then return read_at(options, now) end
  return read_bounds(read_interval(options, every), options, now, start)
end

-- Read what a job waits for into its head.
local function read_dependencies(head, options)
  if options.jitter then fail_option('jitter', 'cannot be combined with after') end
  if head.misfire == 'all' then
    fail_option('misfire', 'expected coalesce or skip with after, because only one run at a time waits, got all')
  end
  head.after = dependencies.read(options)
  head.deadline = options.deadline and duration.ms('deadline', options.deadline)
  head.at_deadline = read_choice('at-deadline', options['at-deadline'], AT_DEADLINE, 'skip or run')
  return head
end

-- Read the schedule of a head from the options. `start` is the default.
function schedule_options.read(options, now, start)
  if options.cron then translate_cron(options) end
  local calendar = options.every and options.every:find('^R') and repeating.read(options)
  local every = read_every(options)
  if not options.after then
    check_absent(options, AFTER_OPTIONS, 'needs after')
    check_absent(options, DEADLINE_OPTIONS, 'needs after')
    return read_time(options, now, start, calendar, every)
  end
  local has_time = calendar or every or options.cron or options.at
  local head = has_time and read_time(options, now, start, calendar, every) or read_after(options, now, start)
  return read_dependencies(head, options)
end

return schedule_options
