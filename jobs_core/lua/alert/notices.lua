-- What alerts are asked about: a run that died, one that is done, an occurrence that has no run or starts late. The script that
-- notices it asks all alerts that are for the job, and tells it. But a script may notice many such things, and each may concern
-- many alerts. So one script asks and tells a bounded number. What is left waits in `{b}:alerts:notices`, in order, for ticks.

local call_number = require 'base.call_number'
local key = require('base.keys').key
local incidents = require 'alert.incidents'
local matching = require 'alert.matching'
local wake = require 'queue.wake'

local notices = {}

local MAX_COST = 250  -- of one script
local TOLD_COST = 5  -- of telling somebody, where asking about a condition costs 1
local ASKED_AT_ONCE = 10  -- alerts of which asking whether they tell of a job costs 1

-- What to do with a condition that a notice may meet or end. Each returns whether it tells somebody.
local function fire(board, rule, condition, notice, facts)
  return incidents.fire(board, rule, condition, notice.job, facts, notice.at)
end

-- The job may have been removed while the notice waited. Nothing would end what is told of it.
local function fire_if_enough(board, rule, condition, notice, facts)
  if not notice.failures or notice.failures < condition.n then return false end
  if notice.waited and redis.call('HEXISTS', key(board, 'job'), notice.job) == 0 then return false end
  return fire(board, rule, condition, notice, facts)
end

local function fire_if_late(board, rule, condition, notice, facts)
  return notice.late > condition.ms and fire(board, rule, condition, notice, facts)
end

local function tell_once(board, rule, condition, notice, facts)
  return incidents.tell_once(board, rule, condition, notice.job, facts, notice.at)
end

-- A good run ends what is told of failures, also by alerts that are for the job no more.
local function close(board, rule, condition, notice, facts)
  return incidents.close(board, rule, condition, notice.job, facts, notice.at)
end

-- For each kind of notice the conditions that it may meet or end.
local ACTIONS = {
  dead = { failed = fire_if_enough, dead = tell_once },
  recovered = { failed = close, recovered = tell_once },
  done = { done = tell_once },
  late = { late = fire_if_late, missed = fire_if_late },
  missed = { missed = fire },
}

-- The conditions that a notice may meet, where it may end others.
local MEETS = { recovered = { recovered = true } }

local function is_before(a, b)
  if a[1].name ~= b[1].name then return a[1].name < b[1].name end
  return a[2].kind < b[2].kind
end

-- Return { rule, condition } for each condition that a notice may meet or end, by name, and what it cost to find them.
local function find(board, notice)
  local meets = MEETS[notice.what]
  local found = matching.find(board, meets or ACTIONS[notice.what], notice.job, notice.queue)
  if not meets then return found, 1 end
  local ends, asked = incidents.telling_of(board, 'failed', notice.job)
  for _, pair in ipairs(found) do ends[#ends + 1] = pair end
  table.sort(ends, is_before)
  return ends, 1 + math.ceil(asked / ASKED_AT_ONCE)
end

local function copy(facts)
  local found = {}
  for name, value in pairs(facts) do found[name] = value end
  return found
end

-- Ask the alerts after `notice.after`, by name, if that is set. Returns what it costs, at most about `most`, and whether alerts
-- are left: then `notice.after` is where to go on.
function notices.handle(board, notice, most)
  local actions, last = ACTIONS[notice.what], nil
  local found, cost = find(board, notice)
  for _, pair in ipairs(found) do
    local rule, condition = pair[1], pair[2]
    if cost > most and rule.name ~= last then
      notice.after = last
      return cost, true
    end
    if not (notice.after and rule.name <= notice.after) then
      local is_told = actions[condition.kind](board, rule, condition, notice, copy(notice.facts))
      cost, last = cost + (is_told and TOLD_COST or 1), rule.name
    end
  end
  return cost, false
end

-- Whether any alert has a condition that a kind of notice may meet or end.
function notices.is_asked(board, what)
  return matching.any(board, ACTIONS[what])
end

-- What this script may still spend, and whether notices wait. It is known for one call only.
local budget = { call = 0 }

local function begin(board)
  local call = call_number.current()
  if budget.call == call then return end
  budget = { call = call, left = MAX_COST, waits = redis.call('EXISTS', key(board, 'alerts:notices')) == 1 }
end

-- Ask about a notice within the budget. Returns whether something is left of it.
local function spend(board, notice)
  if budget.left <= 0 then return true end
  local cost, is_left = notices.handle(board, notice, budget.left)
  budget.left = budget.left - cost
  return is_left
end

-- Ask the alerts, now or later, about notices of one kind. Each has `what` it is, the job, the queue if that is known, when it
-- happened (`at`, ms), the facts that a task is to have, and of what died the `failures` in a row, of what is late by how much.
function notices.add(board, list)
  if #list == 0 or not notices.is_asked(board, list[1].what) then return end
  begin(board)
  local waiting = {}
  for _, notice in ipairs(list) do
    if budget.waits or spend(board, notice) then
      notice.waited = true
      budget.waits, waiting[#waiting + 1] = true, cmsgpack.pack(notice)
    end
  end
  if #waiting == 0 then return end
  redis.call('RPUSH', key(board, 'alerts:notices'), unpack(waiting))
  wake.clock(board)
end

-- At a tick: ask about some of what waits.
function notices.handle_some(board)
  begin(board)
  local list = key(board, 'alerts:notices')
  while budget.waits and budget.left > 0 do
    local packed = redis.call('LPOP', list)
    local notice = packed and cmsgpack.unpack(packed)
    if notice and spend(board, notice) then redis.call('LPUSH', list, cmsgpack.pack(notice)) end
    budget.waits = notice ~= nil and notice ~= false
  end
end

return notices
