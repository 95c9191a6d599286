-- Alerts about what serves the board: `unserved`, a queue whose tasks no worker takes, and `behind`, when nobody ticks, or
-- ticks cannot keep up.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local matching = require 'alert.matching'
local reports = require 'alert.reports'
local rules = require 'alert.rules'
local scope = require 'alert.scope'
local lanes = require 'queue.lanes'
local records = require 'queue.records'

local service = {}

local PAUSE, STEP = 5000, 100  -- ms until the next round, and until the next step of a round
local UNSERVED, BEHIND = { unserved = true }, { behind = true }
local PAGE = 100  -- lanes whose names are read at once
local COST, TOLD_COST = 300, 5  -- of one step; of telling somebody, where looking at a lane or an alert costs 1
local IN_FRONT = 30  -- tasks of alerts, at most, behind which others are found
local SILENT = 30000  -- ms without a report after which a worker counts as gone: it reports every 10 seconds

-- Return the set of queues that living workers serve.
local function served(board, now)
  local found = {}
  for _, text in ipairs(redis.call('HVALS', key(board, 'workers'))) do
    local seen, report = text:match('^(%d+) (.*)$')
    local known = seen and tonumber(seen) >= now - SILENT and cjson.decode(report)
    local queues = known and known.state ~= 'draining' and (known.queues or known.runners) or {}
    for _, queue in ipairs(queues) do found[queue] = true end
  end
  return found
end

local function job_of(record)
  local id = record and records.peek(record)
  return id and records.job_of(id)
end

-- Return the job of the first task in a lane that is not of an alert, or nothing. Tasks of alerts may be in front of others.
local function first_job(board, lane)
  local list = key(board, 'queue:' .. lane)
  local job = job_of(redis.call('LINDEX', list, 0))
  if not (job and scope.is_of_alert(job)) then return job end
  for _, record in ipairs(redis.call('LRANGE', list, 1, IN_FRONT)) do
    job = job_of(record)
    if job and not scope.is_of_alert(job) then return job end
  end
end

-- Note that a queue is unserved. Returns since when (ms).
local function note_unserved(board, queue, now)
  local since = tonumber(redis.call('HGET', key(board, 'alerts:idle'), queue) or now)
  redis.call('HSET', key(board, 'alerts:idle:next'), queue, digits(since))
  return since
end

-- Look at a lane. Returns what that cost.
local function look_at(board, lane, serves, now)
  local queue, job, cost = (lanes.split(lane)), nil, 1
  if not serves[queue] then job = first_job(board, lane) end
  if not job then return cost end
  local since = note_unserved(board, queue, now)
  for _, pair in ipairs(matching.find(board, UNSERVED, job, queue)) do
    local facts, is_told = { queue = queue, job = job, since = since / 1000 }, false
    if now - since >= pair[2].ms then is_told = reports.fire(board, pair[1], pair[2], queue, facts, now) end
    cost = cost + (is_told and TOLD_COST or 1)
  end
  return cost
end

-- Look at lanes. `state` has the names that are left of a page, and the cursor of the next page, '' at the end. Returns whether
-- some are left.
local function look_at_some(board, state, now)
  local serves, left = served(board, now), COST
  while left > 0 do
    if #state.names == 0 then
      if state.cursor == '' then return false end
      local page = redis.call('SSCAN', key(board, 'queues'), state.cursor, 'COUNT', PAGE)
      state.names, state.cursor = page[2], page[1] ~= '0' and page[1] or ''
    else
      left = left - look_at(board, table.remove(state.names), serves, now)
    end
  end
  return #state.names > 0 or state.cursor ~= ''
end

-- What a round has found takes the place of what the one before has.
local function end_round(board)
  if redis.call('EXISTS', key(board, 'alerts:idle:next')) == 1 then
    redis.call('RENAME', key(board, 'alerts:idle:next'), key(board, 'alerts:idle'))
  else
    redis.call('DEL', key(board, 'alerts:idle'))
  end
end

-- Look for queues that nobody serves, some lanes a step. `{b}:alerts:idle` has since when (ms) each was found so, and
-- `{b}:alerts:idle:next` what this round has found. Returns when to look again, or nothing if nobody asks, and the state.
function service.unserved_round(board, state, now)
  if not rules.least(board, 'unserved') then
    redis.call('DEL', key(board, 'alerts:idle'), key(board, 'alerts:idle:next'))
    reports.forget(board, 'unserved')
    return nil
  end
  state = state or { since = now, cursor = '0', names = {} }
  if not state.is_done then
    if look_at_some(board, state, now) then return now + STEP, state end
    state.is_done = true
    end_round(board)
  end
  local function facts_of(queue) return { queue = queue } end
  if reports.close_unseen(board, 'unserved', state, now, facts_of) then return now + STEP, state end
  return now + PAUSE
end

-- Nobody ticked from one time to another, though something was due.
function service.note_gap(board, from, to)
  if not rules.least(board, 'behind') then return end
  for _, pair in ipairs(rules.with(board, BEHIND)) do
    if to - from > pair[2].ms then
      reports.fire(board, pair[1], pair[2], '', { since = from / 1000, upto = to / 1000, why = 'idle' }, to)
    end
  end
end

-- Look whether ticks keep up: whether what is due first was due long ago.
function service.behind_round(board, state, now)
  if not rules.least(board, 'behind') then return reports.forget(board, 'behind') end
  state = state or { since = now }
  local first = redis.call('ZRANGE', key(board, 'schedule'), 0, 0, 'WITHSCORES')
  local due = tonumber(first[2] or now)
  for _, pair in ipairs(rules.with(board, BEHIND)) do
    if now - due > pair[2].ms then
      reports.fire(board, pair[1], pair[2], '', { since = due / 1000, why = 'backlog' }, now)
    end
  end
  if reports.close_unseen(board, 'behind', state, now, function() return {} end) then return now + STEP, state end
  return now + PAUSE
end

return service
