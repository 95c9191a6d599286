-- Alerts about tasks that run for long: `long`, for a time or a multiple of what is usual. A round looks at all leased tasks, a
-- page at a time.

local key = require('base.keys').key
local incidents = require 'alert.incidents'
local rules = require 'alert.rules'
local scope = require 'alert.scope'
local run_lines = require 'ledger.run_lines'
local runs = require 'ledger.runs'
local leases = require 'queue.leases'

local long_runs = {}

local PAGE = 200  -- tasks that one step looks at
local CLOSEST, FARTHEST, STEP = 1000, 10000, 100  -- ms until the next round, and until the next step of a round
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
  if known[job] == nil then known[job] = usual(board, job) or false end
  return known[job] and math.max(condition.factor * known[job], 1000)
end

-- Look at a leased task. Returns in how many ms it may be long.
local function look_at(board, token, task, found, known, now)
  local ran, soonest = now - tonumber(task.since), math.huge
  for _, pair in ipairs(found) do
    if scope.covers(board, pair[1], task.job) then
      local most = bound(board, pair[2], task.job, known)
      if most and ran > most then
        local facts = { job = task.job, task = task.id, worker = task.worker, since = tonumber(task.since) / 1000 }
        incidents.fire(board, pair[1], pair[2], task.job, facts, now, token)
      elseif most then
        soonest = math.min(soonest, most - ran + 1)
      end
    end
  end
  return soonest
end

local function look_at_page(board, tokens, found, now)
  local stored, known, soonest = redis.call('HMGET', key(board, 'task'), unpack(tokens)), {}, math.huge
  for i, token in ipairs(tokens) do
    local task = stored[i] and leases.peek(stored[i])
    if task then soonest = math.min(soonest, look_at(board, token, task, found, known, now)) end
  end
  return soonest
end

-- Look for long runs. See lateness.round.
function long_runs.round(board, state, now)
  local least = rules.least(board, 'long')
  if not least then return nil end
  state = state or { since = now, at = 0, soonest = math.max(least, CLOSEST) }
  local tokens = redis.call('ZRANGE', key(board, 'leased'), state.at, state.at + PAGE - 1)
  if #tokens > 0 then
    local soonest = look_at_page(board, tokens, rules.with(board, { long = true }), now)
    state.soonest = math.min(state.soonest, soonest)
  end
  if #tokens == PAGE then
    state.at = state.at + PAGE
    return now + STEP, state
  end
  local function has_ended(found) return not redis.call('ZSCORE', key(board, 'leased'), found.details) end
  local is_left = incidents.close_unseen(board, 'long', state.since, now, function(job) return { job = job } end, has_ended)
  if is_left then return now + STEP end
  -- Leases move while they are looked at page by page, and a task may begin at any time.
  local goes_on = incidents.any(board, 'long')
  return now + (goes_on and CLOSEST * 2 or math.max(CLOSEST, math.min(state.soonest, FARTHEST)))
end

return long_runs
