--- @include "cron_spread"
--- @include "ranked"
--- @include "zones"

-- From a cron pattern to a schedule, which cron_next.lua searches.

-- What one call of a command has worked out about cron patterns: many jobs share a pattern, and patterns share fields.
local function new_almanac(board)
  return { board = board, schedules = {}, fields = {} }
end

-- A pattern as it is kept: no blanks around it, and single ones within.
function cron.tidy(text)
  return (text:gsub('[ \t]+', ' '):gsub('^ ', ''):gsub(' $', ''))
end

do
  local ORDER = { 'second', 'minute', 'hour', 'day-of-month', 'month', 'weekday', 'year' }
  local NICKNAMES = {
    ['@yearly'] = '0 0 1 1 *', ['@annually'] = '0 0 1 1 *', ['@monthly'] = '0 0 1 * *', ['@weekly'] = '0 0 * * 0',
    ['@daily'] = '0 0 * * *', ['@midnight'] = '0 0 * * *', ['@hourly'] = '0 * * * *',
  }

  local function without_nickname(pattern)
    if pattern:sub(1, 1) ~= '@' then return pattern end
    if pattern == '@reboot' then
      cron.refuse(pattern, 'a board has no reboot, since it outlives the machines that serve it: '
        .. 'push the job when a machine starts')
    end
    return NICKNAMES[pattern]
      or cron.refuse(pattern, 'no such nickname: write @hourly, @daily, @weekly, @monthly or @yearly')
  end

  -- The texts of the seven fields, by their places in ORDER.
  local function split_pattern(pattern)
    local texts = {}
    for text in without_nickname(pattern):gmatch('[^ ]+') do texts[#texts + 1] = text end
    if #texts < 5 or #texts > 7 then
      cron.refuse(pattern, 'it has ' .. #texts
        .. ' fields: write 5, 6 (seconds first) or 7 (seconds first, year last)')
    end
    if #texts == 5 then table.insert(texts, 1, '0') end
    texts[7] = texts[7] or '*'
    texts[4], texts[6] = texts[4]:gsub('^%?', '*'), texts[6]:gsub('^(%+?)%?', '%1*')
    return texts
  end

  local function kept(cache, key, make, ...)
    local found = cache[key]
    if not found then
      found = make(...)
      cache[key] = found
    end
    return found
  end

  local function ranked_field(pattern, name, text)
    local field = CRON_FIELDS[name]
    return ranked(cron.field(pattern, name, text), field.low, field.high)
  end

  local function day_rule(pattern, month, week, both)
    return {
      month = cron.field(pattern, 'day-of-month', month), week = cron.field(pattern, 'weekday', week),
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

  local function compile(almanac, head, texts)
    local pattern, fields, ocps = head.c, almanac.fields, head.v == 1
    local function field(place)
      local name, text = ORDER[place], texts[place]
      return kept(fields, name .. text, ranked_field, pattern, name, text)
    end
    local month, week = texts[4], texts[6]:gsub('^%+', '')
    local both = needs_both(month, texts[6], ocps)
    local schedule = {
      seconds = field(1), minutes = field(2), hours = field(3),
      rule = kept(fields, month .. (both and '+' or ' ') .. week, day_rule, pattern, month, week, both),
      months = field(5), years = field(7),
      zone = head.o and zone_of(almanac.board, head.o),
      nexts = {}, counts = {},  -- what has been found already
    }
    schedule.a_day = schedule.hours.n * schedule.minutes.n * schedule.seconds.n
    schedule.once, schedule.shifts = change_rule(texts[2], texts[3], ocps)
    return schedule
  end

  -- Where a pattern has an H, the job's id says what it stands for.
  local function of_job(almanac, head, texts, variant, id)
    local own = {}
    for place, name in ipairs(ORDER) do own[place] = cron.spread(head.c, name, texts[place], id) end
    return kept(almanac.schedules, table.concat(own, ' ') .. variant, compile, almanac, head, own)
  end

  -- The schedule of the job `id`, whose head has a cron pattern.
  function cron.schedule(almanac, head, id)
    local variant = (head.o or head.v) and '\n' .. (head.o or '') .. '\n' .. (head.v or '') or ''
    local key = head.c .. variant
    local found = almanac.schedules[key]
    if not found then
      local texts = split_pattern(head.c)
      found = cron.is_spread(table.concat(texts, ',')) and { spread = texts } or compile(almanac, head, texts)
      almanac.schedules[key] = found
    end
    return found.spread and of_job(almanac, head, found.spread, variant, id) or found
  end
end
