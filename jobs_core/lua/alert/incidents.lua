-- What alerts have told, so that they tell it once. `{b}:alerting` maps `<alert>#<version> <kind> <subject>`, where the subject
-- is a job or a queue, to what is going on: since when, when it was told last (ms), how often it was seen since then, how often
-- it was told, and details, such as a token. What rounds look for is in `{b}:alerting:<kind>`, too, sorted by when it was seen
-- last. What is over at once is there only if the alert has `every`, so that it is not told again too soon.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local rules = require 'alert.rules'
local telling = require 'alert.telling'

local incidents = {}

local MAX_CLOSED = 100  -- per call
local PAGE = 200  -- entries that one step of a sweep looks at

local AT_ONCE = { dead = true, recovered = true, done = true }
local SEEN_IN_ROUNDS = { late = true, missed = true, long = true, unserved = true, behind = true }

-- Return the entry of an alert and what it may tell of.
function incidents.entry(rule, kind, subject)
  return rule.name .. '#' .. digits(rule.version) .. ' ' .. kind .. ' ' .. subject
end

local function parse(text)
  local since, told, more, times, details = text:match('^(%d+) (%d+) (%d+) (%d+) (.*)$')
  return since and {
    since = tonumber(since), told = tonumber(told), more = tonumber(more), times = tonumber(times), details = details,
  } or nil
end

local function read(board, field)
  local text = redis.call('HGET', key(board, 'alerting'), field)
  return text and parse(text) or nil
end

local function write(board, field, found)
  local words = { digits(found.since), digits(found.told), found.more, found.times, found.details or '-' }
  redis.call('HSET', key(board, 'alerting'), field, table.concat(words, ' '))
end

-- Return what is going on, or nothing.
function incidents.find(board, rule, kind, subject)
  return read(board, incidents.entry(rule, kind, subject))
end

-- Return { rule, condition } for each alert that tells of a subject now, whatever it is for, and how many were asked.
function incidents.telling_of(board, kind, subject)
  if redis.call('EXISTS', key(board, 'alerting')) == 0 then return {}, 0 end
  local asked, fields, found = rules.with(board, { [kind] = true }), {}, {}
  if #asked == 0 then return found, 0 end
  for i, pair in ipairs(asked) do fields[i] = incidents.entry(pair[1], kind, subject) end
  for i, text in ipairs(redis.call('HMGET', key(board, 'alerting'), unpack(fields))) do
    if text then found[#found + 1] = asked[i] end
  end
  return found, #asked
end

-- Something is going on. Tell it once, and again after `every` if the alert asks for that. `facts` are for the task that
-- tells it; `details` is kept with it. Returns whether it is told.
function incidents.fire(board, rule, condition, subject, facts, now, details)
  local field = incidents.entry(rule, condition.kind, subject)
  local found = read(board, field)
  facts.kind, facts.value, facts.state = condition.kind, condition.value, 'firing'
  if SEEN_IN_ROUNDS[condition.kind] then redis.call('ZADD', key(board, 'alerting:' .. condition.kind), now, field) end
  if found and not (rule.every and now - found.told >= rule.every) then
    found.more, found.details = found.more + 1, details
    write(board, field, found)
    return false
  end
  local since = found and found.since or facts.since and facts.since * 1000 or now
  facts.since, facts.again = since / 1000, found and true or nil
  write(board, field, { since = since, told = now, more = 0, times = found and found.times + 1 or 1, details = details })
  telling.tell(board, rule, facts, now)
  return true
end

-- Something has happened that is over at once. With `every`, tell it only if that is long ago. Each one-off task has a job
-- name of its own, so with `every`, they all count as one job. Returns whether it is told.
function incidents.tell_once(board, rule, condition, job, facts, now)
  facts.kind, facts.value, facts.state = condition.kind, condition.value, 'firing'
  local subject = job:find('^push:%d') and 'push:*' or job
  if rule.every and (subject ~= job or redis.call('HEXISTS', key(board, 'job'), job) == 1) then
    local field = incidents.entry(rule, condition.kind, subject)
    local found = read(board, field)
    if found and now - found.told < rule.every then
      found.more = found.more + 1
      write(board, field, found)
      return false
    end
    facts.more = found and found.more > 0 and found.more or nil
    write(board, field, { since = now, told = now, more = 0, times = 1 })
  end
  telling.tell(board, rule, facts, now)
  return true
end

local function forget(board, field, kind)
  redis.call('HDEL', key(board, 'alerting'), field)
  if SEEN_IN_ROUNDS[kind] then redis.call('ZREM', key(board, 'alerting:' .. kind), field) end
end

-- What went on is over. Tell it if the alert asks for that. Returns whether it went on.
function incidents.close(board, rule, condition, subject, facts, now)
  local field = incidents.entry(rule, condition.kind, subject)
  local found = read(board, field)
  if not found then return false end
  forget(board, field, condition.kind)
  -- What was missed stays missed.
  if not rule.recovery or condition.kind == 'missed' then return true end
  facts.kind, facts.value, facts.state, facts.since = condition.kind, condition.value, 'over', found.since / 1000
  telling.tell(board, rule, facts, now)
  return true
end

-- Return the alert of an entry, its kind and its subject; nothing if the alert is gone, or has changed what it looks for.
function incidents.rule_of(board, field)
  local name, version, kind, subject = field:match('^(%S+)#(%d+) (%l+) (.*)$')
  local rule = name and rules.find(board, name)
  if rule and digits(rule.version) == version then return rule, kind, subject end
end

-- Close what a round has not seen since a time. `is_over(found, rule)` may say that it goes on all the same; `facts_of`
-- makes facts from the subject. Returns whether some may be left.
function incidents.close_unseen(board, kind, since, now, facts_of, is_over)
  local name = key(board, 'alerting:' .. kind)
  local fields = redis.call('ZRANGE', name, '-inf', '(' .. digits(since), 'BYSCORE', 'LIMIT', 0, MAX_CLOSED)
  for _, field in ipairs(fields) do
    local rule, _, subject = incidents.rule_of(board, field)
    local condition, found = rule and rules.condition(rule, kind), read(board, field)
    if not (condition and found) then
      forget(board, field, kind)
    elseif is_over and not is_over(found, rule) then
      redis.call('ZADD', name, now, field)
    else
      incidents.close(board, rule, condition, subject, facts_of(subject), now)
    end
  end
  return #fields == MAX_CLOSED
end

-- Whether anything of a kind goes on that rounds look for.
function incidents.any(board, kind)
  return redis.call('EXISTS', key(board, 'alerting:' .. kind)) == 1
end

-- Forget some entries of alerts that are gone. Returns where to go on, or nothing at the end.
function incidents.sweep(board, cursor)
  local page = redis.call('HSCAN', key(board, 'alerting'), cursor, 'COUNT', PAGE)
  for i = 1, #page[2], 2 do
    local field = page[2][i]
    if not incidents.rule_of(board, field) then forget(board, field, field:match('^%S+ (%l+) ')) end
  end
  return page[1] ~= '0' and page[1] or nil
end

-- Forget what was told of a job that is removed.
function incidents.forget_job(board, job)
  if redis.call('EXISTS', key(board, 'alerting')) == 0 then return end
  local fields, by_kind = {}, {}
  for _, rule in ipairs(rules.all(board)) do
    for _, condition in ipairs(rule.when) do
      local field = incidents.entry(rule, condition.kind, job)
      fields[#fields + 1] = field
      if SEEN_IN_ROUNDS[condition.kind] then
        by_kind[condition.kind] = by_kind[condition.kind] or {}
        table.insert(by_kind[condition.kind], field)
      end
    end
  end
  if #fields == 0 or redis.call('HDEL', key(board, 'alerting'), unpack(fields)) == 0 then return end
  for kind, some in pairs(by_kind) do redis.call('ZREM', key(board, 'alerting:' .. kind), unpack(some)) end
end

-- Return how many things go on of each alert, by name, as far as `most` entries tell.
function incidents.count(board, most)
  local counts, cursor, read_entries = {}, '0', 0
  repeat
    local page = redis.call('HSCAN', key(board, 'alerting'), cursor, 'COUNT', PAGE)
    cursor = page[1]
    for i = 1, #page[2], 2 do
      local rule, kind = incidents.rule_of(board, page[2][i])
      if rule and not AT_ONCE[kind] then counts[rule.name] = (counts[rule.name] or 0) + 1 end
      read_entries = read_entries + 1
    end
  until cursor == '0' or read_entries >= most
  return counts
end

-- Return some of what goes on of an alert, or of all: tables with alert, kind, subject, since, told, more, times and details;
-- and where to go on, '0' at the end. One page may have none.
function incidents.page(board, name, cursor, size)
  local page, found = redis.call('HSCAN', key(board, 'alerting'), cursor, 'COUNT', size), {}
  for i = 1, #page[2], 2 do
    local rule, kind, subject = incidents.rule_of(board, page[2][i])
    local one = rule and (not name or rule.name == name) and not AT_ONCE[kind] and parse(page[2][i + 1])
    if one then
      one.alert, one.kind, one.subject = rule.name, kind, subject
      found[#found + 1] = one
    end
  end
  return found, page[1]
end

-- Return what goes on of a job and its queue, as a page does. `watched` has { rule, condition } for the conditions that are for
-- them.
function incidents.about(board, name, job, watched, queue)
  local found = {}
  for _, pair in ipairs(watched) do
    local rule, kind = pair[1], pair[2].kind
    local subject = job
    if kind == 'unserved' then subject = queue end
    local is_asked = subject and (not name or rule.name == name) and not AT_ONCE[kind]
    local one = is_asked and incidents.find(board, rule, kind, subject)
    if one then
      one.alert, one.kind, one.subject = rule.name, kind, subject
      found[#found + 1] = one
    end
  end
  return found
end

return incidents
