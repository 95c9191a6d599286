-- On a board of several partitions, what is about the whole board is told once. A queue may be unserved in many partitions, and
-- all of them may be behind. So each partition reports what it finds to the home of the alert (see sharing.lua), which tells it,
-- until no partition finds it any more.
--
--   {b}:alerts:reported:<kind>  a hash: what this partition has reported: `<alert>#<version> <kind> <subject>` -> since when,
--                               when a round has found it last (ms), and the facts, as JSON
--   {b}:alerts:reports:<kind>   a hash at the home: what others have reported: `<partition> <entry>` -> the facts
--   {b}:alerts:outage:<alert>   at the home: until when (ms) nobody ticked, for two minutes after that was told

local key = require('base.keys').key
local digits = require('base.numbers').digits
local incidents = require 'alert.incidents'
local partition = require 'base.partition'
local rules = require 'alert.rules'
local outbox = require 'partition.outbox'

local reports = {}

local KINDS = { 'unserved', 'behind' }
local COST = 5  -- of a message, in those that concern one job
local PAGE = 100  -- entries that one step looks at
local SAME = 60000  -- ms within which partitions may notice one outage

local function home_of(entry)
  return partition.elsewhere(entry:match('^(%S+)#') or '')
end

-- Whether an outage is told already, which another partition has noticed, too.
local function is_told_outage(board, rule, facts)
  if facts.why ~= 'idle' then return false end
  local name, from, upto = key(board, 'alerts:outage:' .. rule.name), facts.since * 1000, facts.upto * 1000
  local told = tonumber(redis.call('GET', name) or '0')
  redis.call('SET', name, digits(math.max(told, upto)), 'PX', 2 * SAME)
  return from < told and upto - told < SAME
end

local function parse(text)
  local since, seen, facts = text:match('^(%d+) (%d+) (.*)$')
  return { since = tonumber(since), seen = tonumber(seen), facts = cjson.decode(facts) }
end

local function report(board, home, entry, kind, facts, now)
  local name, old = key(board, 'alerts:reported:' .. kind), nil
  local text = redis.call('HGET', name, entry)
  if text then old = parse(text) end
  local since = old and old.since or now
  redis.call('HSET', name, entry, digits(since) .. ' ' .. digits(now) .. ' ' .. cjson.encode(facts))
  if old and old.facts.why == facts.why then return false end
  outbox.send(board, home, 'noticed', kind, entry, facts, now)
  return true
end

-- Something goes on that is about the board: as incidents.fire. Returns whether it is told, or reported.
function reports.fire(board, rule, condition, subject, facts, now)
  local home = partition.elsewhere(rule.name)
  if home then return report(board, home, incidents.entry(rule, condition.kind, subject), condition.kind, facts, now) end
  if partition.current() and is_told_outage(board, rule, facts) then return false end
  return incidents.fire(board, rule, condition, subject, facts, now)
end

-- Handle a message: another partition has noticed something.
function reports.receive(board, source, kind, entry, facts, now)
  local rule, _, subject = incidents.rule_of(board, entry)
  if not rule or is_told_outage(board, rule, facts) then return COST end
  redis.call('HSET', key(board, 'alerts:reports:' .. kind), digits(source) .. ' ' .. entry, cjson.encode(facts))
  incidents.fire(board, rule, rules.condition(rule, kind), subject, facts, now)
  return COST
end

-- Handle a message: what another partition has reported is over there.
function reports.receive_end(board, source, kind, entry)
  redis.call('HDEL', key(board, 'alerts:reports:' .. kind), digits(source) .. ' ' .. entry)
end

-- Report anew all that another partition is to tell.
function reports.resync(board, other)
  for _, kind in ipairs(KINDS) do
    local list, flat = {}, redis.call('HGETALL', key(board, 'alerts:reported:' .. kind))
    for i = 1, #flat, 2 do
      if home_of(flat[i]) == other then list[#list + 1] = { flat[i], cjson.encode(parse(flat[i + 1]).facts) } end
    end
    outbox.send(board, other, 'reports', kind, list)
  end
end

-- Handle a message: all that another partition has found. The next round tells it.
function reports.receive_all(board, source, kind, list)
  local name, prefix, goes_on = key(board, 'alerts:reports:' .. kind), digits(source) .. ' ', {}
  for _, one in ipairs(list) do
    goes_on[prefix .. one[1]] = true
    redis.call('HSET', name, prefix .. one[1], one[2])
  end
  for _, field in ipairs(redis.call('HKEYS', name)) do
    if field:sub(1, #prefix) == prefix and not goes_on[field] then redis.call('HDEL', name, field) end
  end
  return COST
end

-- What this partition has reported is over here, unless this round has found it.
local function end_reported(board, kind, entry, text, since)
  if parse(text).seen >= since then return end
  redis.call('HDEL', key(board, 'alerts:reported:' .. kind), entry)
  local home = home_of(entry)
  if home then outbox.send(board, home, 'over', kind, entry) end
end

-- What others have reported goes on.
local function repeat_report(board, kind, field, text, now)
  local rule, _, subject = incidents.rule_of(board, field:match('^%d+ (.*)$'))
  if not rule then return redis.call('HDEL', key(board, 'alerts:reports:' .. kind), field) end
  incidents.fire(board, rule, rules.condition(rule, kind), subject, cjson.decode(text), now)
end

-- Look at a page of a hash. `cursors` has where to go on, by its name; '' at its end. Returns whether some are left.
local function look_at_some(board, name, cursors, look)
  if cursors[name] == '' then return false end
  local page = redis.call('HSCAN', key(board, name), cursors[name] or '0', 'COUNT', PAGE)
  for i = 1, #page[2], 2 do look(page[2][i], page[2][i + 1]) end
  cursors[name] = page[1] ~= '0' and page[1] or ''
  return cursors[name] ~= ''
end

-- End a round: close what neither it nor another partition has found. `state` is that of the round. Returns whether some may be
-- left.
function reports.close_unseen(board, kind, state, now, facts_of)
  if partition.current() then
    state.cursors = state.cursors or {}
    local is_left = look_at_some(board, 'alerts:reported:' .. kind, state.cursors, function(entry, text)
      end_reported(board, kind, entry, text, state.since)
    end)
    is_left = look_at_some(board, 'alerts:reports:' .. kind, state.cursors, function(field, text)
      repeat_report(board, kind, field, text, now)
    end) or is_left
    if is_left then return true end
  end
  return incidents.close_unseen(board, kind, state.since, now, facts_of)
end

-- Nobody asks any more.
function reports.forget(board, kind)
  if not partition.current() then return end
  redis.call('DEL', key(board, 'alerts:reported:' .. kind), key(board, 'alerts:reports:' .. kind))
end

-- Return what this partition has reported of a subject to another one, as incidents.page has it; or nothing.
function reports.find(board, rule, kind, subject)
  local home = partition.elsewhere(rule.name)
  local text = home and redis.call('HGET', key(board, 'alerts:reported:' .. kind), incidents.entry(rule, kind, subject))
  if not text then return nil end
  local found = parse(text)
  return {
    alert = rule.name, kind = kind, subject = subject, since = found.facts.since * 1000, told = found.since, more = 0, times = 1,
  }
end

return reports
