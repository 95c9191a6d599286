-- Alerts about what serves the board: `unserved`, a queue whose tasks no worker takes, and `behind`, when nobody ticks, or
-- ticks cannot keep up.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local incidents = require 'alert.incidents'
local rules = require 'alert.rules'
local scope = require 'alert.scope'
local lanes = require 'queue.lanes'
local records = require 'queue.records'

local service = {}

local PAUSE, STEP = 5000, 100  -- ms until the next round, and until the next step of a round
local PAGE = 200  -- lanes that one step looks at
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

-- Return the queues of some lanes in which tasks wait, each with the job of its first.
local function waiting(board, some)
  local found = {}
  for _, lane in ipairs(some) do
    local job = first_job(board, lane)
    if job then found[lanes.split(lane)] = job end
  end
  return found
end

-- Note queues as unserved. Returns since when (ms) each is, by name.
local function note_unserved(board, queues, now)
  if #queues == 0 then return {} end
  local before, since, pairs_of = redis.call('HMGET', key(board, 'alerts:idle'), unpack(queues)), {}, {}
  for i, queue in ipairs(queues) do
    since[queue] = tonumber(before[i] or now)
    pairs_of[2 * i - 1], pairs_of[2 * i] = queue, digits(since[queue])
  end
  redis.call('HSET', key(board, 'alerts:idle:next'), unpack(pairs_of))
  return since
end

-- Look at the queues of some lanes.
local function look_at(board, some, now)
  local serves, found, jobs, unserved = served(board, now), rules.with(board, { unserved = true }), waiting(board, some), {}
  for queue in pairs(jobs) do
    if not serves[queue] then unserved[#unserved + 1] = queue end
  end
  for queue, since in pairs(note_unserved(board, unserved, now)) do
    for _, pair in ipairs(found) do
      if now - since >= pair[2].ms and scope.covers(board, pair[1], jobs[queue], queue) then
        incidents.fire(board, pair[1], pair[2], queue, { queue = queue, job = jobs[queue], since = since / 1000 }, now)
      end
    end
  end
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
    return nil
  end
  state = state or { since = now, cursor = '0' }
  if state.cursor ~= '' then
    local page = redis.call('SSCAN', key(board, 'queues'), state.cursor, 'COUNT', PAGE)
    look_at(board, page[2], now)
    state.cursor = page[1] ~= '0' and page[1] or ''
    if state.cursor ~= '' then return now + STEP, state end
    end_round(board)
  end
  local function facts_of(queue) return { queue = queue } end
  if incidents.close_unseen(board, 'unserved', state.since, now, facts_of) then return now + STEP, state end
  return now + PAUSE
end

-- Nobody ticked from one time to another, though something was due.
function service.note_gap(board, from, to)
  if not rules.least(board, 'behind') then return end
  for _, pair in ipairs(rules.with(board, { behind = true })) do
    if to - from > pair[2].ms then
      incidents.fire(board, pair[1], pair[2], '', { since = from / 1000, upto = to / 1000, why = 'idle' }, to)
    end
  end
end

-- Look whether ticks keep up: whether what is due first was due long ago.
function service.behind_round(board, _, now)
  if not rules.least(board, 'behind') then return nil end
  local first = redis.call('ZRANGE', key(board, 'schedule'), 0, 0, 'WITHSCORES')
  local due = tonumber(first[2] or now)
  for _, pair in ipairs(rules.with(board, { behind = true })) do
    if now - due > pair[2].ms then
      incidents.fire(board, pair[1], pair[2], '', { since = due / 1000, why = 'backlog' }, now)
    end
  end
  incidents.close_unseen(board, 'behind', now, now, function() return {} end)
  return now + PAUSE
end

return service
