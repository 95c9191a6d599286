-- `{b}:deadlines` sorts what alerts must look at by when (ms): rounds (`late`, `long`, `unserved`, `behind`), `silent <alert>
-- <job>`, `arm <alert>` and `disarm` while deadlines are being set and removed, `burst <alert>` and `sweep`. A tick looks at what
-- is due. `{b}:alerts:steps` has where those that take several ticks go on from, as JSON.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local incidents = require 'alert.incidents'
local lateness = require 'alert.lateness'
local long_runs = require 'alert.long_runs'
local notices = require 'alert.notices'
local rules = require 'alert.rules'
local service = require 'alert.service'
local silence = require 'alert.silence'
local telling = require 'alert.telling'
local timers = require 'queue.timers'

local deadlines = {}

local MAX_DUE = 100  -- per tick
local STEP_COST = 25  -- of a step that looks at many things, in those that look at one job

local ROUNDS = {
  late = lateness.round, long = long_runs.round, unserved = service.unserved_round, behind = service.behind_round,
  sweep = function(board, cursor, now)
    local following = incidents.sweep(board, cursor or '0')
    if following then return now, following end
  end,
  disarm = function(board, cursor, now)
    local following = silence.disarm_some(board, cursor or '0')
    if following then return now, following end
  end,
}

-- Each takes a step from what the step before has left, and returns when to take the next, and what it leaves.
local STEPS = {
  arm = function(board, name, cursor, now)
    local rule = rules.find(board, name)
    local following = rule and silence.arm_some(board, rule, cursor, now)
    if following then return now, following end
  end,
  burst = function(board, name, _, now)
    local rule = rules.find(board, name)
    if rule then telling.tell_burst(board, rule, now) end
  end,
}

-- Do what a member stands for. Returns what it costs.
local function step(board, member, now)
  local word, rest = member:match('^(%l+) ?(.*)$')
  if word == 'silent' then
    silence.expire(board, rest, now)
    return 1
  end
  local steps = key(board, 'alerts:steps')
  local text, at, left = redis.call('HGET', steps, member), nil, nil
  local state = text and cjson.decode(text)[1] or nil
  if ROUNDS[word] then
    at, left = ROUNDS[word](board, state, now)
  elseif STEPS[word] then
    at, left = STEPS[word](board, rest, state, now)
  end
  if left then redis.call('HSET', steps, member, cjson.encode({ left })) elseif text then redis.call('HDEL', steps, member) end
  if at then
    redis.call('ZADD', key(board, 'deadlines'), digits(at), member)
  else
    redis.call('ZREM', key(board, 'deadlines'), member)
  end
  return (at or word == 'arm') and STEP_COST or 1
end

-- At a tick: look at what is due.
function deadlines.expire(board, now)
  notices.handle_some(board)
  local due, left = timers.due(board, 'deadlines', now, MAX_DUE), MAX_DUE
  for i = 1, #due, 2 do
    if left <= 0 then return end
    left = left - step(board, due[i], now)
  end
end

-- An alert was put: look for what it asks, from now on.
function deadlines.begin(board, rule, now)
  if rules.condition(rule, 'silent') then
    redis.call('HDEL', key(board, 'alerts:steps'), 'arm ' .. rule.name)
    timers.set(board, 'deadlines', 'arm ' .. rule.name, now)
  end
end

-- Nobody ticked for a while: look at everything at once.
function deadlines.note_gap(board, from, to)
  service.note_gap(board, from, to)
  if rules.least(board, 'late') or rules.least(board, 'missed') then
    timers.set(board, 'deadlines', 'late', to)
  end
end

-- The clock went back: begin all rounds anew, which would else wait until it is as late as it was, and tell what was counted.
function deadlines.note_clock_back(board, now)
  local rounds = { 'late', 'long', 'unserved', 'behind' }
  for _, round in ipairs(rounds) do redis.call('ZADD', key(board, 'deadlines'), 'XX', 'LT', digits(now), round) end
  redis.call('HDEL', key(board, 'alerts:steps'), unpack(rounds))
  redis.call('DEL', key(board, 'alerts:idle'), key(board, 'alerts:idle:next'))
  for _, rule in ipairs(rules.all(board)) do telling.tell_burst(board, rule, now) end
  redis.call('DEL', key(board, 'alerts:bursts'))
end

return deadlines
