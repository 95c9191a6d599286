-- From a cron pattern to a schedule, which occurrences.lua searches.

local fail_option = require('base.errors').fail_option
local fields = require 'cron.fields'
local number_set = require 'cron.number_set'
local other_crons = require 'cron.other_crons'
local spread = require 'cron.spread'
local zones = require 'time.zones'

local patterns = {}

-- What has been worked out about the fields of patterns, which depends on nothing but their text: the library keeps it from
-- one call to the next. When there is this much, all of it is forgotten.
local MOST = 1000
local worked_out

local function forget_all()
  worked_out = { n = 0, fields = { {}, {}, {}, {}, {}, {}, {} }, rules = {}, patterns = {} }
end

forget_all()

-- Keep something that was worked out, under a key of one of these tables.
local function remember(kind, key, found)
  kind[key] = found
  worked_out.n = worked_out.n + 1
  return found
end

-- What one call of a command has worked out about cron patterns, since many jobs share one.
function patterns.new_cache(board)
  if worked_out.n > MOST then forget_all() end
  return { board = board, schedules = {}, zones = {} }
end

-- A pattern as it is kept: no blanks around it, and single ones within.
function patterns.normalize(text)
  return (text:gsub('[ \t]+', ' '):gsub('^ ', ''):gsub(' $', ''))
end

local ORDER = { 'second', 'minute', 'hour', 'day-of-month', 'month', 'weekday', 'year' }
local NICKNAMES = {
  ['@yearly'] = '0 0 1 1 *', ['@annually'] = '0 0 1 1 *', ['@monthly'] = '0 0 1 * *', ['@weekly'] = '0 0 * * 0',
  ['@daily'] = '0 0 * * *', ['@midnight'] = '0 0 * * *', ['@hourly'] = '0 * * * *',
}

local function without_nickname(pattern)
  if pattern:sub(1, 1) ~= '@' then return pattern end
  if pattern == '@reboot' then
    fail_option('cron', '@reboot is not supported, because a board never reboots: push the job when a machine starts')
  end
  return NICKNAMES[pattern]
    or fields.reject(pattern, 'unknown nickname', 'write @hourly, @daily, @weekly, @monthly, @yearly or @every 5m')
end

-- The texts of the seven fields, by their places in ORDER.
local function split_pattern(pattern)
  other_crons.reject(pattern)
  local texts = { '0', without_nickname(pattern):match('^([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+)$') }
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

-- Whether a day must fit both of its fields. Vixie's cron asks whether one of them begins with a star, OCPS whether
-- one is no more than a star; under both, a + before the weekday says yes.
local function needs_both(month, week, ocps)
  if week:sub(1, 1) == '+' then return true end
  if ocps then return month == '*' or week == '*' end
  return month:sub(1, 1) == '*' or week:sub(1, 1) == '*'
end

-- What a schedule does where a clock changes. `once`: a time that is shown twice runs once. `shifts`: a time that is
-- left out runs late. Vixie's cron does both for fixed times, and neither for those that go on with the clock.
local function change_rule(minute, hour, ocps)
  local fixed = minute:sub(1, 1) ~= '*' and hour:sub(1, 1) ~= '*'
  return ocps or fixed, fixed and not ocps
end

local function field_of(pattern, place, text)
  local known = worked_out.fields[place]
  if known[text] then return known[text] end
  local name = ORDER[place]
  local numbers = fields.read(pattern, name, text)
  return remember(known, text, number_set.new(numbers, fields.RANGES[name].low, fields.RANGES[name].high))
end

local function rule_of(pattern, month, week, ocps)
  local both = needs_both(month, week, ocps)
  local key = month .. (both and '+' or ' ') .. week
  return worked_out.rules[key]
    or remember(worked_out.rules, key, day_rule(pattern, month, week:gsub('^%+', ''), both))
end

-- Nothing is kept for UTC.
local function zone_kept(cache, name)
  local found = cache.zones[name]
  if found == nil then
    found = zones.find(cache.board, name) or false
    cache.zones[name] = found
  end
  return found or nil
end

-- A time of the day that is one number each, as most are, needs no sets: it is kept as its second of the day.
local function fixed_time(pattern, second, minute, hour)
  if (second .. minute .. hour):find('%D') then return nil end
  return 3600 * fields.number(pattern, 'hour', hour) + 60 * fields.number(pattern, 'minute', minute)
    + fields.number(pattern, 'second', second)
end

-- What a pattern comes to in any zone.
local function compile(pattern, texts, ocps)
  local month, week = texts[4], texts[6]
  local once, shifts = change_rule(texts[2], texts[3], ocps)
  local compiled = {
    fixed = fixed_time(pattern, texts[1], texts[2], texts[3]),
    daily = month == '*' and week == '*' and texts[5] == '*' and texts[7] == '*', once = once, shifts = shifts,
  }
  if not compiled.fixed then
    compiled.seconds = field_of(pattern, 1, texts[1])
    compiled.minutes = field_of(pattern, 2, texts[2])
    compiled.hours = field_of(pattern, 3, texts[3])
  end
  if not compiled.daily then
    compiled.rule = rule_of(pattern, month, week, ocps)
    compiled.months = field_of(pattern, 5, texts[5])
    compiled.years = field_of(pattern, 7, texts[7])
    compiled.known = { days = {}, n = 0 }  -- by wall_clock.lua: a day, and the first from there on at which it runs
  end
  return compiled
end

-- A schedule of this call: a pattern in a zone, and what was found in it last. Its `fixed` may be that of another job.
local function in_zone(cache, pattern, name)
  return {
    pattern = pattern, zone = name and zone_kept(cache, name), fixed = pattern.fixed,
    after = nil, found = nil, since = nil, upto = nil, total = nil,
  }
end

-- The places of the fields that have an H, if there are any.
local function spread_places(texts)
  local places = {}
  for place, text in ipairs(texts) do
    if spread.applies_to(ORDER[place], text) then places[#places + 1] = place end
  end
  return places[1] and places
end

-- A pattern with an H is compiled for each job: its id says what the H stands for.
local function of_job(cache, head, texts, places, id)
  local own, digest = { unpack(texts) }, redis.sha1hex(id)
  for _, place in ipairs(places) do own[place] = spread.resolve(head.cron, ORDER[place], texts[place], digest, place) end
  return in_zone(cache, compile(head.cron, own, head.dst == 'ocps'), head.zone)
end

-- Read a pattern as it is written. Returns what it comes to; or, for one with an H, its texts and the places of those.
local function read_pattern(pattern, ocps)
  local texts = split_pattern(pattern)
  local places = pattern:find('H', 1, true) and spread_places(texts)
  return places and { texts = texts, places = places } or compile(pattern, texts, ocps)
end

-- What a pattern comes to, worked out once.
local function compiled_pattern(pattern, dst)
  local key = dst and pattern .. dst or pattern
  return worked_out.patterns[key] or remember(worked_out.patterns, key, read_pattern(pattern, dst == 'ocps'))
end

-- The schedule of this call for a pattern in the zone of a head; or what there is to know of one with an H.
local function schedule_of(cache, head, pattern)
  local zone = head.zone or 'UTC'
  local schedules = cache.schedules[zone]
  if not schedules then
    schedules = {}
    cache.schedules[zone] = schedules
  end
  local key = head.dst and pattern .. head.dst or pattern
  local found = schedules[key]
  if not found then
    found = compiled_pattern(pattern, head.dst)
    if not found.places then found = in_zone(cache, found, head.zone) end
    schedules[key] = found
  end
  return found
end

-- Jobs that run at a fixed time on the same days share a schedule, which is set to the time of the one at hand.
local function with_time(cache, head)
  local found = schedule_of(cache, head, '0 0 ' .. head.cron:match('^[^ ]+ [^ ]+ (.*)$'))
  found.fixed, found.after, found.since = head.fixed_second, nil, nil
  return found
end

-- Note the time of the day in the head of a job whose pattern has five fields and a fixed one: a tick then reads no
-- more than its days, and resolves no H.
function patterns.store_fixed_second(cache, head, id)
  local schedule = patterns.schedule(cache, head, id)
  local days = head.cron:match('^[^ ]+ [^ ]+ ([^ ]+ [^ ]+ [^ ]+)$')
  if days and not (' ' .. days):find('[ ,+]H') then head.fixed_second = schedule.fixed end
end

-- The schedule of the job `id`, whose head has a cron pattern.
function patterns.schedule(cache, head, id)
  if head.fixed_second then return with_time(cache, head) end
  local found = schedule_of(cache, head, head.cron)
  return found.places and of_job(cache, head, found.texts, found.places, id) or found
end

return patterns
