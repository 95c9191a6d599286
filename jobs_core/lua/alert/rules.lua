-- `{b}:alerts` maps the name of each alert to its rule, as JSON: its conditions (`when`), the terms of `for`, the runner and
-- payload that tell somebody, every and burst (ms), quiet and zone, recovery, the body and flags of its tasks, their queue and
-- priority, and the owner, if a board file has it. `{b}:alerts:<kind>` exists while an alert has a condition of that kind: it
-- has the shortest time (ms) of all. So what happens all the time sees in one call that nobody asks.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local timers = require 'queue.timers'

local rules = {}

rules.MOST = 200  -- alerts of a board

-- Kinds of conditions that ticks look for in rounds, each at a time of its own in `{b}:deadlines`.
local ROUNDS = { late = 'late', missed = 'late', long = 'long', unserved = 'unserved', behind = 'behind' }
local KINDS = { 'failed', 'dead', 'recovered', 'done', 'late', 'missed', 'long', 'silent', 'unserved', 'behind' }

-- What was read of boards in earlier calls, while their alerts have not changed since, as `{b}:alerts:revision` says. A script
-- starts anew with each call.
local MAX_BOARDS, MAX_BYTES = 50, 1048576
local cache = { n = 0, boards = {} }

local function read_all(board)
  local flat, found, bytes = redis.call('HGETALL', key(board, 'alerts')), { list = {}, by_name = {} }, 0
  for i = 1, #flat, 2 do
    found.list[#found.list + 1], bytes = cjson.decode(flat[i + 1]), bytes + #flat[i + 1]
    found.by_name[flat[i]] = found.list[#found.list]
  end
  table.sort(found.list, function(a, b) return a.name < b.name end)
  return found, bytes
end

local function read(board)
  local revision = redis.call('GET', key(board, 'alerts:revision'))
  if not revision then return { list = {}, by_name = {} } end
  local known = cache.boards[board]
  if known and known.revision == revision then return known end
  local found, bytes = read_all(board)
  found.revision = revision
  if bytes <= MAX_BYTES then
    if not known and cache.n >= MAX_BOARDS then cache = { n = 0, boards = {} } end
    if not known then cache.n = cache.n + 1 end
    cache.boards[board] = found
  end
  return found
end

-- The alerts have changed. The time keeps what is known of a board from being taken for that of another of the same name.
local function write_revision(board)
  local time = redis.call('TIME')
  local text = table.concat({ time[1], time[2], redis.call('HINCRBY', key(board, 'stats'), 'alerts', 1) }, '-')
  if redis.call('EXISTS', key(board, 'alerts')) == 0 then return redis.call('DEL', key(board, 'alerts:revision')) end
  redis.call('SET', key(board, 'alerts:revision'), text)
end

-- Return an alert by its name, or nothing. It is not to be changed.
function rules.find(board, name)
  return read(board).by_name[name]
end

-- Return all alerts, by name. They are not to be changed.
function rules.all(board)
  return read(board).list
end

-- Return { rule, condition } for each condition of these kinds, a set, if there is any.
function rules.with(board, kinds)
  local found = {}
  for _, rule in ipairs(rules.all(board)) do
    for _, condition in ipairs(rule.when) do
      if kinds[condition.kind] then found[#found + 1] = { rule, condition } end
    end
  end
  return found
end

-- Return the condition of a kind that an alert has, or nothing.
function rules.condition(rule, kind)
  for _, condition in ipairs(rule.when) do
    if condition.kind == kind then return condition end
  end
end

-- Whether any alert has a condition of a kind. Returns the shortest time (ms) of these, or nothing.
function rules.least(board, kind)
  return tonumber(redis.call('GET', key(board, 'alerts:' .. kind)) or nil)
end

-- Write what is known of all alerts, after one has changed.
local function write_kinds(board, now)
  local least = {}
  for _, rule in ipairs(rules.all(board)) do
    for _, condition in ipairs(rule.when) do
      least[condition.kind] = math.min(least[condition.kind] or math.huge, condition.ms or 0)
    end
  end
  for _, kind in ipairs(KINDS) do
    local name = key(board, 'alerts:' .. kind)
    if least[kind] then redis.call('SET', name, digits(least[kind])) else redis.call('DEL', name) end
    if ROUNDS[kind] then timers.set(board, 'deadlines', ROUNDS[kind], now) end  -- it ends at once if nobody asks
  end
end

-- Have ticks forget what alerts told, or have to look at, that are gone.
local function sweep(board, now)
  timers.set(board, 'deadlines', 'sweep', now)
  timers.set(board, 'deadlines', 'disarm', now)
end

-- Store an alert. If it looks for something else than before, it has a new version, and what it told before does not count.
function rules.store(board, rule, now)
  local old = rules.find(board, rule.name)
  local is_same = old and cjson.encode({ old.when, old['for'] }) == cjson.encode({ rule.when, rule['for'] })
  rule.since = is_same and old.since or now
  rule.version = is_same and old.version or redis.call('HINCRBY', key(board, 'stats'), 'alerts', 1)
  if old and not is_same then sweep(board, now) end
  redis.call('HSET', key(board, 'alerts'), rule.name, cjson.encode(rule))
  write_revision(board)
  write_kinds(board, now)
end

-- Remove an alert. Returns whether it existed.
function rules.remove(board, name, now)
  if redis.call('HDEL', key(board, 'alerts'), name) == 0 then return false end
  redis.call('HDEL', key(board, 'alerts:bursts'), name)
  write_revision(board)
  sweep(board, now)
  write_kinds(board, now)
  return true
end

return rules
