-- Turns a cron pattern into a schedule, which occurrences.lua searches.

local fail_option = require('base.errors').fail_option
local fields = require 'cron.fields'
local number_set = require 'cron.number_set'
local other_crons = require 'cron.other_crons'
local spread = require 'cron.spread'
local zones = require 'time.zones'

local patterns = {}

-- Results that depend only on the text of a pattern. The library keeps them between calls, and clears them all when there
-- are too many.
local MAX_ENTRIES = 1000
local shared_cache

local function reset_shared_cache()
  shared_cache = { n = 0, fields = { {}, {}, {}, {}, {}, {}, {} }, rules = {}, patterns = {} }
end

reset_shared_cache()

-- Store a result under a key of one of the tables of the shared cache.
local function cache_result(kind, key, found)
  kind[key] = found
  shared_cache.n = shared_cache.n + 1
  return found
end

-- The cache of one call, since many jobs share a pattern.
function patterns.new_cache(board)
  if shared_cache.n > MAX_ENTRIES then reset_shared_cache() end
  return { board = board, schedules = {}, zones = {} }
end

-- Normalize a pattern for storage: single spaces, and none around it.
function patterns.normalize(text)
  return (text:gsub('[ \t]+', ' '):gsub('^ ', ''):gsub(' $', ''))
end

local ORDER = { 'second', 'minute', 'hour', 'day-of-month', 'month', 'weekday', 'year' }
local NICKNAMES = {
  ['@yearly'] = '0 0 1 1 *', ['@annually'] = '0 0 1 1 *', ['@monthly'] = '0 0 1 * *', ['@weekly'] = '0 0 * * 0',
  ['@daily'] = '0 0 * * *', ['@midnight'] = '0 0 * * *', ['@hourly'] = '0 * * * *',
}

local function expand_nickname(pattern)
  if pattern:sub(1, 1) ~= '@' then return pattern end
  if pattern == '@reboot' then
    fail_option('cron', '@reboot is not supported, because a board never reboots: push the job when a machine starts')
  end
  return NICKNAMES[pattern]
    or fields.reject(pattern, 'unknown nickname', 'write @hourly, @daily, @weekly, @monthly, @yearly or @every 5m')
end

-- Return the texts of the seven fields, by their places in ORDER.
local function split_pattern(pattern)
  other_crons.reject(pattern)
  local texts = { '0', expand_nickname(pattern):match('^([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+)$') }
  if not texts[2] then
    texts = {}
    for text in pattern:gmatch('[^ ]+') do texts[#texts + 1] = text end
    if #texts < 6 or #texts > 7 then
      fields.reject(pattern, 'expected 5 to 7 fields, got ' .. #texts)
    end
  end
  texts[7] = texts[7] or '*'
  if pattern:find('?', 1, true) then
    texts[4], texts[6] = texts[4]:gsub('^%?', '*'), texts[6]:gsub('^(%+?)%?', '%1*')
  end
  return texts
end

local function day_rule(pattern, month, week, both)
  return {
    month = fields.read(pattern, 'day-of-month', month), week = fields.read(pattern, 'weekday', week),
    both = both, shapes = {},
  }
end

-- Whether a day must match both day fields. Vixie cron checks whether one of them begins with a star, OCPS whether one is
-- only a star. In both, a + before the weekday requires both.
local function needs_both(month, week, ocps)
  if week:sub(1, 1) == '+' then return true end
  if ocps then return month == '*' or week == '*' end
  return month:sub(1, 1) == '*' or week:sub(1, 1) == '*'
end

-- How a schedule handles clock changes. `once`: a time that occurs twice runs once. `shifts`: a time that is skipped runs
-- late. Vixie cron does both for fixed times, and neither for others.
local function change_rule(minute, hour, ocps)
  local fixed = minute:sub(1, 1) ~= '*' and hour:sub(1, 1) ~= '*'
  return ocps or fixed, fixed and not ocps
end

local function cached_field(pattern, place, text)
  local known = shared_cache.fields[place]
  if known[text] then return known[text] end
  local name = ORDER[place]
  local numbers = fields.read(pattern, name, text)
  return cache_result(known, text, number_set.new(numbers, fields.RANGES[name].low, fields.RANGES[name].high))
end

local function cached_day_rule(pattern, month, week, ocps)
  local both = needs_both(month, week, ocps)
  local key = month .. (both and '+' or ' ') .. week
  return shared_cache.rules[key]
    or cache_result(shared_cache.rules, key, day_rule(pattern, month, week:gsub('^%+', ''), both))
end

-- UTC has no zone table.
local function cached_zone(cache, name)
  local found = cache.zones[name]
  if found == nil then
    found = zones.find(cache.board, name) or false
    cache.zones[name] = found
  end
  return found or nil
end

-- Return a fixed time as its second of the day. It needs no number sets, and most patterns have one.
local function fixed_time(pattern, second, minute, hour)
  if (second .. minute .. hour):find('%D') then return nil end
  return 3600 * fields.number(pattern, 'hour', hour) + 60 * fields.number(pattern, 'minute', minute)
    + fields.number(pattern, 'second', second)
end

-- Compile a pattern, for any zone.
local function compile(pattern, texts, ocps)
  local month, week = texts[4], texts[6]
  local once, shifts = change_rule(texts[2], texts[3], ocps)
  local compiled = {
    fixed = fixed_time(pattern, texts[1], texts[2], texts[3]),
    daily = month == '*' and week == '*' and texts[5] == '*' and texts[7] == '*', once = once, shifts = shifts,
  }
  if not compiled.fixed then
    compiled.seconds = cached_field(pattern, 1, texts[1])
    compiled.minutes = cached_field(pattern, 2, texts[2])
    compiled.hours = cached_field(pattern, 3, texts[3])
  end
  if not compiled.daily then
    compiled.rule = cached_day_rule(pattern, month, week, ocps)
    compiled.months = cached_field(pattern, 5, texts[5])
    compiled.years = cached_field(pattern, 7, texts[7])
    compiled.day_cache = { days = {}, n = 0 }  -- used by wall_clock.lua: the first day that runs at or after a day
  end
  return compiled
end

-- A schedule is a pattern in a zone, with the results of the last search. It belongs to one call.
local function new_schedule(cache, pattern, name)
  return {
    pattern = pattern, zone = name and cached_zone(cache, name), fixed = pattern.fixed,
    after = nil, found = nil, since = nil, upto = nil, total = nil,
  }
end

-- Return the places of the fields with an H, or nothing.
local function spread_places(texts)
  local places = {}
  for place, text in ipairs(texts) do
    if spread.applies_to(ORDER[place], text) then places[#places + 1] = place end
  end
  return places[1] and places
end

-- Compile a pattern with an H for one job, whose id determines the number.
local function schedule_for_job(cache, head, texts, places, id)
  local own, digest = { unpack(texts) }, redis.sha1hex(id)
  for _, place in ipairs(places) do own[place] = spread.resolve(head.cron, ORDER[place], texts[place], digest, place) end
  return new_schedule(cache, compile(head.cron, own, head.dst == 'ocps'), head.zone)
end

-- Compile a pattern. For one with an H, return its texts and the places of those fields instead.
local function read_pattern(pattern, ocps)
  local texts = split_pattern(pattern)
  local places = pattern:find('H', 1, true) and spread_places(texts)
  return places and { texts = texts, places = places } or compile(pattern, texts, ocps)
end

-- Return the compiled pattern, or for one with an H, what read_pattern returns.
local function cached_pattern(pattern, dst)
  local key = dst and pattern .. dst or pattern
  return shared_cache.patterns[key] or cache_result(shared_cache.patterns, key, read_pattern(pattern, dst == 'ocps'))
end

-- Return the schedule of this call for a pattern in the zone of a head, or for one with an H, what read_pattern returns.
-- `purpose` keeps schedules apart that are used in different ways.
local function cached_schedule(cache, head, pattern, purpose)
  local zone = head.zone or 'UTC'
  local schedules = cache.schedules[zone]
  if not schedules then
    schedules = {}
    cache.schedules[zone] = schedules
  end
  local key = purpose .. (head.dst and pattern .. head.dst or pattern)
  local found = schedules[key]
  if not found then
    found = cached_pattern(pattern, head.dst)
    if not found.places then found = new_schedule(cache, found, head.zone) end
    schedules[key] = found
  end
  return found
end

-- Return the schedule of a job with a fixed time. Jobs with the same days share one, so set its time to that of this job.
local function schedule_at_fixed_time(cache, head)
  local found = cached_schedule(cache, head, '0 0 ' .. head.cron:match('^[^ ]+ [^ ]+ (.*)$'), 'days ')
  found.fixed, found.after, found.since = head.fixed_second, nil, nil
  return found
end

-- Store the time of day in the head of a job whose pattern has five fields and a fixed time. A tick then reads only its
-- days and resolves no H.
function patterns.store_fixed_second(cache, head, id)
  local schedule = patterns.schedule(cache, head, id)
  local days = head.cron:match('^[^ ]+ [^ ]+ ([^ ]+ [^ ]+ [^ ]+)$')
  if days and not (' ' .. days):find('[ ,+]H') then head.fixed_second = schedule.fixed end
end

-- Return the schedule of the job `id`, whose head has a cron pattern.
function patterns.schedule(cache, head, id)
  if head.fixed_second then return schedule_at_fixed_time(cache, head) end
  local found = cached_schedule(cache, head, head.cron, '')
  return found.places and schedule_for_job(cache, head, found.texts, found.places, id) or found
end

return patterns
