-- `{b}:alerts` maps the name of each alert to its rule, as JSON: its conditions (`when`), the terms of `for`, the runner that
-- tells somebody, every and burst (ms), quiet and zone, recovery, the options and flags of its tasks, their queue and priority,
-- the owner, if a board file has it, its version, since when it has that, and its etag, which changes whenever it is changed.
-- `{b}:alerts:payloads` has their payloads, which may be large. `{b}:alerts:<kind>` exists while an alert has a condition of that
-- kind: it has the shortest time (ms) of all. So what happens all the time sees in one call that nobody asks.

local conditions = require 'alert.conditions'
local call_number = require 'base.call_number'
local key = require('base.keys').key
local digits = require('base.numbers').digits
local timers = require 'queue.timers'

local rules = {}

rules.MOST = 200  -- alerts of a board
local KINDS = { 'failed', 'dead', 'recovered', 'done', 'late', 'missed', 'long', 'silent', 'unserved', 'behind' }

-- Kinds of conditions that ticks look for in rounds, each at a time of its own in `{b}:deadlines`.
local ROUNDS = { late = 'late', missed = 'late', long = 'long', unserved = 'unserved', behind = 'behind' }

-- What was read of boards, while their alerts have not changed since, as `{b}:alerts:revision` says, which is read once a call.
-- A script starts anew with each call.
local MAX_BOARDS, MAX_BYTES = 50, 8388608
local cache = { n = 0, bytes = 0, boards = {} }

local NOTHING = { list = {}, by_name = {}, indexes = {} }

local function read_all(board, revision)
  local flat = redis.call('HGETALL', key(board, 'alerts'))
  local found = { list = {}, by_name = {}, indexes = {}, revision = revision, bytes = 0 }
  for i = 1, #flat, 2 do
    local rule = cjson.decode(flat[i + 1])
    found.list[#found.list + 1], found.by_name[flat[i]], found.bytes = rule, rule, found.bytes + #flat[i + 1]
  end
  table.sort(found.list, function(a, b) return a.name < b.name end)
  return found
end

local function forget(board)
  local known = cache.boards[board]
  if known then cache.n, cache.bytes, cache.boards[board] = cache.n - 1, cache.bytes - known.bytes, nil end
end

local function keep(board, found)
  forget(board)
  if cache.n >= MAX_BOARDS or cache.bytes + found.bytes > MAX_BYTES then cache = { n = 0, bytes = 0, boards = {} } end
  cache.n, cache.bytes, cache.boards[board] = cache.n + 1, cache.bytes + found.bytes, found
end

local function read(board)
  local known, call = cache.boards[board], call_number.current()
  if known and known.call == call then return known end
  local revision = redis.call('GET', key(board, 'alerts:revision'))
  if not revision then return NOTHING end
  if not (known and known.revision == revision) then
    known = read_all(board, revision)
    keep(board, known)
  end
  known.call = call
  return known
end

-- The alerts have changed. The time keeps what is known of a board from being taken for that of another of the same name.
local function write_revision(board)
  forget(board)
  local time = redis.call('TIME')
  local text = table.concat({ time[1], time[2], redis.call('HINCRBY', key(board, 'stats'), 'alerts', 1) }, '-')
  if redis.call('EXISTS', key(board, 'alerts')) == 0 then return redis.call('DEL', key(board, 'alerts:revision')) end
  redis.call('SET', key(board, 'alerts:revision'), text)
end

-- Return a table for what follows from the alerts. It stays as long as they do.
function rules.indexes(board)
  return read(board).indexes
end

-- Return the payload of an alert's tasks.
function rules.payload(board, rule)
  return rule.payload or redis.call('HGET', key(board, 'alerts:payloads'), rule.name) or ''
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

-- Return what an alert looks for, as a text.
local function target(rule)
  return conditions.text(rule.when) .. '\n' .. table.concat(rule['for'], ',')
end

-- If an alert looks for something else than before, it has a new version, and what it told before does not count. It gets an
-- etag, unless it has that of before.
local function complete(board, alert, old, now)
  local rule, is_same = alert.rule, old and target(old) == target(alert.rule)
  rule.since = is_same and old.since or now
  rule.version = is_same and old.version or redis.call('HINCRBY', key(board, 'stats'), 'alerts', 1)
  rule.etag = rule.etag or redis.sha1hex(cjson.encode(rule) .. '\n' .. alert.payload):sub(1, 16)
end

-- Store an alert. The rule of one that another partition has sent is complete, and has no payload. Returns whether there is
-- something to forget.
local function store(board, alert, old, now)
  local rule = alert.rule
  if not rule.version then complete(board, alert, old, now) end
  redis.call('HSET', key(board, 'alerts'), rule.name, cjson.encode(rule))
  if alert.payload then redis.call('HSET', key(board, 'alerts:payloads'), rule.name, alert.payload) end
  return old and old.version ~= rule.version
end

local function remove(board, name)
  redis.call('HDEL', key(board, 'alerts'), name)
  redis.call('HDEL', key(board, 'alerts:payloads'), name)
  redis.call('HDEL', key(board, 'alerts:bursts'), name)
  return true
end

-- Store alerts: name, rule and payload; or remove those that have a name only. Each name comes once.
function rules.write(board, alerts, now)
  if #alerts == 0 then return end
  local has_leftovers = false
  for _, alert in ipairs(alerts) do
    local old = rules.find(board, alert.name)
    local leaves = alert.rule and store(board, alert, old, now)
    if not alert.rule then leaves = remove(board, alert.name) end
    has_leftovers = has_leftovers or leaves
  end
  write_revision(board)
  if has_leftovers then sweep(board, now) end
  write_kinds(board, now)
end

return rules
