-- Queues the tasks of alerts. Such a task is like any other one-off task: leased, retried, limited, counted. Its id is
-- alert:<name>@<due>-<n>, its options have the facts (`alert`), and its payload is what the alert gives: the worker fills in
-- {job}, {reason} and so on, just before it runs.
--
-- An outage may concern every job of a board. So of one alert, at most `burst` tasks a minute are queued. The others are
-- counted in `{b}:alerts:bursts`, and one task at the end of the minute tells how many there were. All that is told in quiet
-- hours arrives at their end, so they count as one minute.
--
-- On a board of several partitions, the home of an alert (see sharing.lua) counts, and queues its tasks. The others tell it what
-- to tell, in messages.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local partition = require 'base.partition'
local quiet = require 'alert.quiet'
local rules = require 'alert.rules'
local counters = require 'ledger.counters'
local lanes = require 'queue.lanes'
local queues = require 'queue.queues'
local outbox = require 'partition.outbox'
local records = require 'queue.records'
local timers = require 'queue.timers'

local telling = {}

local MINUTE = 60000
local COST = 5  -- of a message, in those that concern one job

-- Return the body of a task: the options of the alert with the facts, and the payload.
local function body_of(rule, facts, payload)
  local options = rule.options == '' and '{' or rule.options:sub(1, -2) .. ','
  return options .. '"alert":' .. cjson.encode(facts) .. '}\n' .. payload
end

-- Queue the task that tells these facts. Returns its id.
local function queue_task(board, rule, facts, now)
  facts.alert, facts.at = rule.name, now / 1000
  local due = quiet.over_at(board, rule, now)
  local n = partition.numbered(redis.call('HINCRBY', key(board, 'stats'), 'pushed', 1))
  local moment = digits(due) .. '-' .. digits(n)
  local lane, job = lanes.name(rule.queue or rule.runner, rule.priority), 'alert:' .. rule.name
  local record = records.new(job, moment, lane, rule.runner, rule.flags, body_of(rule, facts, rules.payload(board, rule)))
  local id = job .. '@' .. moment
  if due > now then
    redis.call('HSET', key(board, 'task'), id .. '#0', record)
    timers.set(board, 'delayed', id .. '#0', due)
  else
    queues.append(board, lane, { record })
  end
  counters.add(board, 'due', 1)
  counters.add(board, 'queued', 1)
  return id
end

-- `{b}:alerts:bursts` has for each alert since when (ms) it counts, how many it has told, how many more there were, and when it
-- told last (ms).
local function parse_burst(text)
  local since, told, more, last = (text or ''):match('^(%d+) (%d+) (%d+) ?(%d*)$')
  return tonumber(since or 0), tonumber(told or 0), tonumber(more or 0), tonumber(last or nil)
end

local function read_burst(board, name)
  return parse_burst(redis.call('HGET', key(board, 'alerts:bursts'), name) or nil)
end

local function write_burst(board, name, since, told, more, last)
  local words = { digits(since), told, more, last and digits(last) }
  redis.call('HSET', key(board, 'alerts:bursts'), name, table.concat(words, ' '))
end

-- Return when alerts told last (ms), by name. A test does not count.
function telling.last_told(board)
  local flat, found = redis.call('HGETALL', key(board, 'alerts:bursts')), {}
  for i = 1, #flat, 2 do
    local _, _, _, last = parse_burst(flat[i + 1])
    found[flat[i]] = last
  end
  return found
end

-- Return when what an alert counts since a time is over.
local function burst_end(board, rule, since)
  return math.max(since + MINUTE, quiet.over_at(board, rule, since))
end

-- Tell how many more there were, and begin to count anew.
function telling.tell_burst(board, rule, now)
  local since, _, more = read_burst(board, rule.name)
  if more == 0 then return end
  write_burst(board, rule.name, now, 0, 0, now)
  queue_task(board, rule, { kind = 'burst', state = 'firing', since = since / 1000, count = more }, now)
end

-- Tell somebody, or count it if that would be too much. What a job itself asks for has no `burst`.
function telling.tell(board, rule, facts, now)
  local home = rule.burst and partition.elsewhere(rule.name)
  if home then return outbox.send(board, home, 'tell', rule.name, facts, now) end
  if rule.burst then
    local since, told, more, last = read_burst(board, rule.name)
    if now >= burst_end(board, rule, since) then
      telling.tell_burst(board, rule, now)
      since, told, more = now, 0, 0
    end
    if told >= rule.burst then
      if more == 0 then timers.set(board, 'deadlines', 'burst ' .. rule.name, burst_end(board, rule, since)) end
      return write_burst(board, rule.name, since, told, more + 1, last)
    end
    write_burst(board, rule.name, since, told + 1, more, now)
  end
  return queue_task(board, rule, facts, now)
end

-- Handle a message: another partition has something to tell.
function telling.receive(board, _, name, facts, now)
  local rule = rules.find(board, name)
  if rule then telling.tell(board, rule, facts, now) end
  return COST
end

-- Tell what a person asks to try out. Returns the task's id.
function telling.test(board, rule, now)
  return queue_task(board, rule, { kind = 'test', state = 'firing', since = now / 1000 }, now)
end

return telling
