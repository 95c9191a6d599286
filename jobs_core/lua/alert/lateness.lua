-- Alerts about occurrences that do not start: `late` and `missed`. A round looks at what waits in queues and for limits, from
-- the front, where the oldest tasks are, as long as these are late. A task that a worker takes late before a round finds it
-- is noticed then. So what runs on time costs nothing.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local incidents = require 'alert.incidents'
local notices = require 'alert.notices'
local rules = require 'alert.rules'
local jitter = require 'due.jitter'
local packed_job = require 'job.packed_job'
local lanes = require 'queue.lanes'
local records = require 'queue.records'

local lateness = {}

local MAX_TASKS, MAX_BYTES, CHUNK = 300, 1048576, 10  -- that one step of a round looks at
local PAGE = 100  -- lists whose names are read at once
local MAX_COST = 600  -- of one late task; alerts that are left are asked in the next round, when the others cost less
local PAUSE, STEP = 2000, 100  -- ms until the next round while something is late, and until the next step of a round
local FIRST_ATTEMPT = '^1[^%Lp]*\n'  -- of a task that is not of the past: see queue/records.lua

-- Return the shortest time (ms) after which anything counts as late, or nothing if nobody asks.
local function least(board)
  local late, missed = rules.least(board, 'late'), rules.least(board, 'missed')
  return late and missed and math.min(late, missed) or late or missed
end

-- Return by how many ms a task is meant to be delayed.
local function jitter_of(board, id, job)
  local packed = redis.call('HGET', key(board, 'job'), job)
  local head = packed and packed_job.unpack(packed)
  return head and head.jitter and jitter.delay(id, head.jitter) or 0
end

-- Return the notice of a task that is late by some ms, perhaps because it is meant to be.
local function notice_of(board, id, job, queue, late, now)
  late = late - jitter_of(board, id, job)
  local facts = { job = job, task = id, queue = queue, since = (now - late) / 1000 }
  return { what = 'late', job = job, queue = queue, late = late, at = now, facts = facts }
end

local function queue_of(record)
  return (lanes.split(records.lane(record, 1)))
end

-- Look at a list of records from `at` on. Returns whether it was looked at to the end of what is late, where to go on if not,
-- and when the first that is not late yet would be.
local function look_at(board, name, at, after, now, budget)
  local queue = name:match('^queue:(.*)$')
  queue = queue and (lanes.split(queue))
  while true do
    if budget.tasks <= 0 or budget.bytes <= 0 then return false, at end
    local size = at == 0 and 1 or CHUNK
    local some = redis.call('LRANGE', key(board, name), at, at + size - 1)
    for _, record in ipairs(some) do
      at, budget.tasks, budget.bytes = at + 1, budget.tasks - 1, budget.bytes - #record
      local id = records.peek(record)
      local job, due = records.split_id(id or '')
      if due and record:find(FIRST_ATTEMPT) then
        if now - due <= after then return true, nil, due + after + 1 end
        budget.late = true
        if not budget.jobs[job] then  -- later tasks of a job are less late than its first
          budget.jobs[job] = true
          local notice = notice_of(board, id, job, queue or queue_of(record), now - due, now)
          budget.tasks = budget.tasks - (notices.handle(board, notice, MAX_COST))
          if budget.tasks <= 0 then return false, at end
        end
      end
    end
    if #some < size then return true end
  end
end

-- Return the name of the next list to look at, or nothing at the end of a round. `state` has the names that are left of a page,
-- the set it is of, and the cursor of the next page.
local function next_list(board, state)
  while #state.names == 0 do
    if state.cursor == '' then
      if state.set == 'held' then return nil end
      state.set, state.cursor = 'held', '0'
    end
    local page = redis.call('SSCAN', key(board, state.set), state.cursor, 'COUNT', PAGE)
    local prefix = state.set == 'held' and 'held:' or 'queue:'
    for i, name in ipairs(page[2]) do state.names[i] = prefix .. name end
    state.cursor = page[1] ~= '0' and page[1] or ''
  end
  return state.names[#state.names]
end

-- Return how many tasks have left the queues so far. By as many, at most, a place in a list has moved to the front.
local function taken(board)
  local counts = redis.call('HMGET', key(board, 'stats'), 'leased', 'unleased')
  return tonumber(counts[1] or 0) + tonumber(counts[2] or 0)
end

local function close_unseen(board, since, now)
  local function facts_of(job) return { job = job } end
  local function may_be_told_again(found, rule) return not rule.every or now - found.told >= rule.every end
  local is_left = incidents.close_unseen(board, 'late', since, now, facts_of)
  return incidents.close_unseen(board, 'missed', since, now, facts_of, may_be_told_again) or is_left
end

-- Look for late tasks. `state` is what a step before has left to do, or nothing. Returns when to look again (ms), or nothing if
-- nobody asks, and the state to go on from.
function lateness.round(board, state, now)
  local after = least(board)
  if not after then return nil end
  state = state or { since = now, set = 'queues', cursor = '0', names = {}, at = 0, taken = 0 }
  local budget, count = { tasks = MAX_TASKS, bytes = MAX_BYTES, jobs = {} }, taken(board)
  local name = next_list(board, state)
  while name do
    local at = math.max(0, state.at - (count - state.taken))
    local is_done, where, late_at = look_at(board, name, at, after, now, budget)
    budget.tasks = budget.tasks - 1
    state.is_late = state.is_late or budget.late
    if not is_done then
      state.at, state.taken = where, count
      return now + STEP, state
    end
    if late_at then state.next = math.min(state.next or late_at, late_at) end
    state.names[#state.names], state.at, state.taken = nil, 0, count
    name = next_list(board, state)
  end
  if close_unseen(board, state.since, now) then return now + STEP, state end
  local goes_on = state.is_late or incidents.any(board, 'late') or incidents.any(board, 'missed')
  return goes_on and now + PAUSE or math.max(math.min(state.next or now + after, now + after), now + 1)
end

local AT = 64  -- the code of @

-- Whether a task was due before a time, 13 digits: true, too, for one whose id does not end with as many.
local function may_be_due_before(id, time)
  return id:byte(-14) ~= AT or id:sub(-13) < time
end

-- Workers have taken tasks. `tasks` have id and record.
function lateness.note_starts(board, tasks, now)
  local after, found = least(board), {}
  if not after then return end
  local latest = digits(now - after)
  for _, task in ipairs(tasks) do
    if may_be_due_before(task.id, latest) then
      local job, due = records.split_id(task.id)
      if due and now - due > after and task.record:find(FIRST_ATTEMPT) then
        found[#found + 1] = notice_of(board, task.id, job, queue_of(task.record), now - due, now)
      end
    end
  end
  notices.add(board, found)
  if #found > 0 then redis.call('ZADD', key(board, 'deadlines'), 'LT', now + PAUSE, 'late') end
end

-- Occurrences have no run: items with job, what (skipped or coalesced), due and through (ms as text), n and why.
function lateness.note_missed(board, items, now)
  if not rules.least(board, 'missed') then return end
  local found = {}
  for i, item in ipairs(items) do
    local facts = { job = item.job, count = item.n, what = item.what, why = item.why, since = tonumber(item.due) / 1000 }
    found[i] = { what = 'missed', job = item.job, at = now, facts = facts }
  end
  notices.add(board, found)
  redis.call('ZADD', key(board, 'deadlines'), 'LT', now + PAUSE, 'late')
end

return lateness
