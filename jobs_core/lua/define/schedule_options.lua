local arguments = require 'base.arguments'
local fail = require('base.errors').fail
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
  overlap = true, after = true, on = true, join = true,
}

-- The units that add up to `every`.
local EVERY = {
  seconds = 'second', minutes = 'minute', hours = 'hour', days = 'day',
  weeks = 'week', months = 'month', quarters = 'quarter', years = 'year',
}

local function positive(name, text)
  local number = text:match('^%d*%.?%d+$') and tonumber(text)
  if not number or number <= 0 then fail('OPTION', name .. " '" .. text .. "' is not a number above 0") end
  if number > 1e12 then fail('OPTION', name .. ' is too large a number') end
  return number
end

-- `every`, together with any --seconds … --years: ms, or nil when none is given.
local function read_every(options)
  local total = options.every and duration.ms('every', options.every)
  for name, value in pairs(options) do
    if EVERY[name] then total = (total or 0) + positive(name, value) * duration.UNITS[EVERY[name]] end
  end
  if not total then return nil end
  if total < 1 then fail('OPTION', 'every must be at least 0.001 seconds') end
  if total > 3.2e12 then fail('OPTION', 'every is over a hundred years') end
  return math.floor(total + 0.5)
end

-- Options that go together. (Made once: a table that is written where it is used is made for each job.)
local OF_REPEATING = { 'start', 'stop', 'duration', 'repeat', 'jitter', 'misfire', 'grace', 'overlap' }
local OF_DECAY, OF_CRON, OF_AFTER = { 'decay', 'step' }, { 'zone', 'dst' }, { 'on', 'join' }
local NOT_CRON = { 'at', 'decay', 'step' }
local NOT_CALENDAR = { 'at', 'cron', 'zone', 'dst', 'decay', 'step' }
local NOT_AFTER = { 'at', 'cron', 'zone', 'dst', 'decay', 'step', 'jitter', 'misfire', 'grace' }

-- Refuse each of these options that is given, and say why.
local function refuse_each(options, names, why)
  for _, name in ipairs(names) do
    if options[name] then fail('OPTION', name .. ' ' .. why) end
  end
end

local MISFIRE = { coalesce = false, skip = 'skip', all = 'all' }
local OVERLAP = { allow = false, skip = 'skip', queue = 'queue', replace = 'replace' }

-- A word that is one of a few, as a head keeps it; nothing for the one that holds anyway.
local function choice(name, text, choices, known)
  if choices[text or ''] == nil and text then fail('OPTION', name .. " '" .. text .. "' is not one of " .. known) end
  return text and choices[text] or nil
end

-- With overlap queue and replace, what is queued waits until the run before has ended: that is a concurrency of 1.
local function one_at_a_time(overlap, options)
  local with = 'overlap ' .. options.overlap
  if options.policy == 'none' then fail('OPTION', with .. ' needs a lease, and with policy none there is none') end
  if overlap == 'skip' then return end
  if (options.concurrency or '1') ~= '1' then fail('OPTION', with .. ' runs one at a time: leave concurrency out') end
  options.concurrency = '1'
end

-- What becomes of runs that are late, or that come while another is under way: into the head of a repeating job.
local function read_rules(head, options)
  head.misfire = choice('misfire', options.misfire, MISFIRE, 'coalesce, skip, all')
  head.overlap = choice('overlap', options.overlap, OVERLAP, 'allow, skip, queue, replace')
  head.grace = options.grace and duration.ms('grace', options.grace)
  head.jitter = options.jitter and duration.ms('jitter', options.jitter)
  if head.overlap then one_at_a_time(head.overlap, options) end
  return head
end

-- When a repeating job begins and ends: into its head. `start` is what holds when the options do not say.
local function read_limits(head, options, now, start)
  if options.stop and options.duration then fail('OPTION', 'stop and duration exclude each other') end
  head.start = options.start and instant.ms('start', options.start, now) or start
  if options.stop then head.stop = instant.ms('stop', options.stop, now) end
  if options.duration then head.stop = head.start + duration.ms('duration', options.duration) end
  if head.stop and head.stop < head.start then fail('OPTION', 'stop is before start: the job would never run') end
  if options['repeat'] then head.repeats = arguments.whole_number('repeat', options['repeat'], 1) end
  head.left = head.repeats
  return read_rules(head, options)
end

local function read_at(options, now)
  refuse_each(options, OF_REPEATING, 'needs every or cron: it says how a repeating job runs')
  refuse_each(options, OF_DECAY, 'needs every: it says when a repeating job runs')
  return { at = options.at and instant.ms('at', options.at, now) }
end

local function read_interval(options, every)
  if options.at then fail('OPTION', 'at and every exclude each other: at is for a single run') end
  if options.step and not options.decay then fail('OPTION', 'step needs decay') end
  local head = { every = every }
  if options.decay then
    head.decay = positive('decay', options.decay)
    head.step = options.step and duration.ms('step', options.step) or duration.UNITS.day
    if head.step < 1000 then fail('OPTION', 'step must be at least a second') end
  end
  return head
end

local CRON_LENGTH = 256  -- bytes of a pattern

local function read_cron(options, every)
  if every then fail('OPTION', 'cron and every exclude each other: both say when the job repeats') end
  refuse_each(options, NOT_CRON, 'and cron exclude each other')
  local head = { cron = patterns.normalize(options.cron), zone = options.zone ~= 'UTC' and options.zone or nil }
  if #head.cron > CRON_LENGTH then fail('OPTION', 'cron is at most ' .. CRON_LENGTH .. ' bytes') end
  local dst = options.dst or 'vixie'
  if dst ~= 'vixie' and dst ~= 'ocps' then fail('OPTION', "dst '" .. dst .. "' is neither vixie nor ocps") end
  if dst == 'ocps' then head.dst = dst end
  return head
end

local function read_calendar(options, calendar, every)
  if every then fail('OPTION', 'a repeating interval and seconds … years exclude each other') end
  refuse_each(options, NOT_CALENDAR, 'and a period of the calendar exclude each other')
  return calendar
end

-- A job that runs when others have ended. Its start, when none is given, is when it was put.
local function read_after(options, now, start, every)
  if every then fail('OPTION', 'after and every exclude each other: both say when the job runs') end
  refuse_each(options, NOT_AFTER, 'and after exclude each other')
  return read_limits({ after = dependencies.read(options) }, options, now, start)
end

-- The schedule part of a head, read from options. `start` is what holds when they do not say.
function schedule_options.read(options, now, start)
  local calendar = options.every and options.every:find('^R') and repeating.read(options)
  local every = read_every(options)
  if options.after then return read_after(options, now, start, calendar or every) end
  refuse_each(options, OF_AFTER, 'needs after')
  if calendar then return read_limits(read_calendar(options, calendar, every), options, now, start) end
  if options.cron then return read_limits(read_cron(options, every), options, now, start) end
  refuse_each(options, OF_CRON, 'needs cron')
  if not every then return read_at(options, now) end
  return read_limits(read_interval(options, every), options, now, start)
end

return schedule_options
