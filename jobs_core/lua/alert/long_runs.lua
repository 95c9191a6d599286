-- Alerts about tasks that run for long: `long`, for a time or a multiple of what is usual. A round looks at all leased tasks, a
-- page at a time.

local key = require('base.keys').key
local incidents = require 'alert.incidents'
local matching = require 'alert.matching'
local rules = require 'alert.rules'
local run_lines = require 'ledger.run_lines'
local runs = require 'ledger.runs'
local leases = require 'queue.leases'

local long_runs = {}

local KINDS = { long = true }
local PAGE = 200  -- tasks that one step looks at, at most
local COST, TOLD_COST, LEARNING_COST = 300, 4, 10  -- of one step; of telling somebody, and of reading the runs of a job
local CLOSEST, FARTHEST, STEP = 1000, 10000, 100  -- ms until the next round, and until the next step of a round
local PART = 20  -- of the shortest time that an alert asks for: rounds may be that far apart, since a run is not long before
local LEARNED_FROM = 5  -- runs that must be known before it is known what is usual

-- Return the median of what the kept runs of a job took, in ms; nothing if there are too few.
local function usual(board, job)
  local _, lines = runs.read(board, job)
  local took = {}
  for _, line in ipairs(lines or {}) do
    local run = run_lines.read(job, line)
    if run and run.outcome == 'done' and run.started then took[#took + 1] = (run.ended - run.started) * 1000 end
  end
  table.sort(took)
  return #took >= LEARNED_FROM and took[math.ceil(#took / 2)] or nil
end

-- Return after how many ms a run of a job is long by a condition, or nothing if that is not known.
local function bound(board, condition, job, known)
  if condition.ms then return condition.ms end
  if known[job] == nil then known[job], known.n = usual(board, job) or false, known.n + 1 end
  return known[job] and math.max(condition.factor * known[job], 1000)
end

-- Look at a leased task of a queue. Returns in how many ms it may be long, and what that took.
local function look_at(board, token, task, queue, known, now)
  local ran, soonest, found = now - tonumber(task.since), math.huge, matching.find(board, KINDS, task.job, queue)
  local cost = 1 + #found
  for _, pair in ipairs(found) do
    local most = bound(board, pair[2], task.job, known)
    if most and ran > most then
      local facts = { job = task.job, task = task.id, queue = queue, worker = task.worker, since = tonumber(task.since) / 1000 }
      if incidents.fire(board, pair[1], pair[2], task.job, facts, now, token) then cost = cost + TOLD_COST end
    elseif most then
      soonest = math.min(soonest, most - ran + 1)
    end
  end
  return soonest, cost
end

-- Look at some tasks. Returns in how many ms the first of them may be long, and how many were looked at.
local function look_at_page(board, tokens, now)
  local stored, known, soonest, left = redis.call('HMGET', key(board, 'task'), unpack(tokens)), { n = 0 }, math.huge, COST
  for i, token in ipairs(tokens) do
    local task = stored[i] and leases.peek(stored[i])
    if task then
      local at, cost = look_at(board, token, task, leases.queue(stored[i]), known, now)
      soonest, left = math.min(soonest, at), left - cost
    end
    if left <= known.n * LEARNING_COST then return soonest, i end
  end
  return soonest, #tokens
end

-- Look for long runs. See lateness.round.
function long_runs.round(board, state, now)
  local least = rules.least(board, 'long')
  if not least then return nil end
  state = state or { since = now, at = 0, soonest = math.max(least, CLOSEST) }
  local tokens = redis.call('ZRANGE', key(board, 'leased'), state.at, state.at + PAGE - 1)
  if #tokens > 0 then
    local soonest, n = look_at_page(board, tokens, now)
    state.soonest, state.at = math.min(state.soonest, soonest), state.at + n
    if n == PAGE or n < #tokens then return now + STEP, state end
  end
  local function has_ended(found) return not redis.call('ZSCORE', key(board, 'leased'), found.details) end
  local is_left = incidents.close_unseen(board, 'long', state.since, now, function(job) return { job = job } end, has_ended)
  if is_left then return now + STEP end
  -- Leases move while they are looked at page by page, and a task may begin at any time.
  local goes_on = incidents.any(board, 'long')
  return now + (goes_on and CLOSEST * 2 or math.max(CLOSEST, math.min(state.soonest, math.max(FARTHEST, least / PART))))
end

return long_runs
