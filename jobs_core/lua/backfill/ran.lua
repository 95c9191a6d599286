-- Tells which occurrences of a job ran: those in its history (`{b}:runs`), and those that backfills have queued.
-- `{b}:backfilled:<job>` sorts the dues of the latter. It keeps the latest MAX_KEPT; the member `dropped` has the latest due
-- of those it has lost.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local runs = require 'ledger.runs'

local ran = {}

local MAX_KEPT = 200000

-- Record that a backfill queues these dues.
function ran.add(board, job, found)
  local name, members = key(board, 'backfilled:' .. job), {}
  for i, due in ipairs(found) do members[2 * i - 1], members[2 * i] = digits(due), digits(due) end
  redis.call('ZADD', name, unpack(members))
  local excess = redis.call('ZCARD', name) - MAX_KEPT
  if excess > 0 then
    local popped = redis.call('ZPOPMIN', name, excess + 1)
    redis.call('ZADD', name, popped[#popped], 'dropped')
  end
end

local ENDED = { done = true, dead = true, cancelled = true, unleased = true }

-- Count the runs of a job that have ended, by its ledger.
local function count_ended(board, job)
  local n = 0
  for _, count in ipairs(redis.call('HMGET', key(board, 'ledger'),
    'done ' .. job, 'dead ' .. job, 'cancelled ' .. job, 'unleased ' .. job)) do
    n = n + (tonumber(count or nil) or 0)
  end
  return n
end

-- Return the dues (ms as text) of the runs in these lines. A pushed run has an id of its own, so it is of no occurrence.
local function dues_of(lines)
  local dues, n = {}, 0
  for _, line in ipairs(lines) do
    local outcome, moment = line:match('^(%l+) (%S+) ')
    if ENDED[outcome] then dues[moment], n = true, n + 1 end
  end
  return dues, n
end

-- Read the history of a job. Returns the dues of the runs in it, and a function that tells whether one that is not there may
-- have run all the same: between the first recorded run and the latest that was dropped, or before runs were recorded.
local function read_history(board, job)
  local header, lines = runs.read(board, job)
  if not header then
    local has_run = count_ended(board, job) > 0
    return {}, function() return has_run end
  end
  local dues, n = dues_of(lines)
  local first, dropped = (header.first or 0) * 1000, header.dropped_through and header.dropped_through * 1000
  if dropped then return dues, function(due) return due >= first and due <= dropped end end
  local is_complete = count_ended(board, job) <= n
  return dues, function(due) return due < first and not is_complete end
end

-- Return `ran`, `unknown` or `missed` for each of these dues (ms).
function ran.states(board, job, found)
  if #found == 0 then return {} end
  local dues, may_have_run = read_history(board, job)
  local words, states = {}, {}
  for i, due in ipairs(found) do words[i] = digits(due) end
  local scores = redis.call('ZMSCORE', key(board, 'backfilled:' .. job), 'dropped', unpack(words))
  local lost = tonumber(scores[1] or nil) or -1
  for i, due in ipairs(found) do
    if scores[i + 1] or dues[words[i]] then
      states[i] = 'ran'
    elseif due <= lost or may_have_run(due) then
      states[i] = 'unknown'
    else
      states[i] = 'missed'
    end
  end
  return states
end

return ran
