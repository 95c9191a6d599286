--- @include "duration"
--- @include "instant"
--- @include "pairs"
--- @include "head"
--- @include "worker_options"

-- The units that add up to `every`.
local EVERY = {
  seconds = 'second', minutes = 'minute', hours = 'hour', days = 'day',
  weeks = 'week', months = 'month', quarters = 'quarter', years = 'year',
}

local SCHEDULE_OPTIONS = {
  every = true, start = true, stop = true, duration = true, ['repeat'] = true, decay = true, step = true,
  at = true, seconds = true, minutes = true, hours = true, days = true, weeks = true, months = true,
  quarters = true, years = true,
}

local function positive(name, text)
  local number = text:match('^%d*%.?%d+$') and tonumber(text)
  if not number or number <= 0 then fail('OPTION', name .. " '" .. text .. "' is not a number above 0") end
  if number > 1e12 then fail('OPTION', name .. ' is too large a number') end
  return number
end

-- `every`, together with any --seconds … --years: ms, or nil when none is given.
local function read_every(options)
  local total = options.every and duration('every', options.every)
  for name, unit in pairs(EVERY) do
    if options[name] then total = (total or 0) + positive(name, options[name]) * UNITS[unit] end
  end
  if not total then return nil end
  if total < 1 then fail('OPTION', 'every must be at least 0.001 seconds') end
  if total > 3.2e12 then fail('OPTION', 'every is over a hundred years') end
  return math.floor(total + 0.5)
end

local function only_with_every(options)
  for _, name in ipairs({ 'start', 'stop', 'duration', 'repeat', 'decay', 'step' }) do
    if options[name] then fail('OPTION', name .. ' needs every: it says when a repeating job runs') end
  end
end

-- The schedule part of a head, read from options. `start` is what holds when they do not say.
local function read_schedule(options, now, start)
  local every = read_every(options)
  if not every then
    only_with_every(options)
    return { a = options.at and instant('at', options.at, now) }
  end
  if options.at then fail('OPTION', 'at and every exclude each other: at is for a single run') end
  if options.stop and options.duration then fail('OPTION', 'stop and duration exclude each other') end
  if options.step and not options.decay then fail('OPTION', 'step needs decay') end
  local head = { e = every, s = options.start and instant('start', options.start, now) or start }
  if options.stop then head.t = instant('stop', options.stop, now) end
  if options.duration then head.t = head.s + duration('duration', options.duration) end
  if head.t and head.t < head.s then fail('OPTION', 'stop is before start: the job would never run') end
  if options['repeat'] then head.r = whole('repeat', options['repeat'], 1) end
  if options.decay then
    head.d = positive('decay', options.decay)
    head.p = options.step and duration('step', options.step) or UNITS.day
    if head.p < 1000 then fail('OPTION', 'step must be at least a second') end
  end
  head.l = head.r
  return head
end
