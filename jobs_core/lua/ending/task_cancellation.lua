-- Cancels tasks wherever they are, a page at a time.

local clock = require 'base.clock'
local key = require('base.keys').key
local cancellation = require 'ending.cancellation'
local endings = require 'ending.endings'
local events = require 'ending.events'
local release = require 'limit.release'
local records = require 'queue.records'
local task_locations = require 'queue.task_locations'

local task_cancellation = {}

local PAGE_SIZE = 500
local CANCEL_COST = 5  -- tasks that are looked at in about the time that cancelling one takes
local LREM_STEP = 1000  -- records that LREM scans in about the time that one task takes

local function record_cancelled(board, task)
  events.record(board, task, task.attempt, 'cancelled', {})
  return 'cancelled'
end

local function cancel_delayed(board, ticket)
  local task = records.read(redis.call('HGET', key(board, 'task'), ticket))
  if not task then return nil end
  redis.call('ZREM', key(board, 'delayed'), ticket)
  endings.cancel(board, ticket, task, clock.now())
  return record_cancelled(board, task)
end

-- The task may have moved since the page was read. If so, the scan meets it again in its new place.
local function cancel_queued(board, place, record)
  if redis.call('LREM', key(board, place), -1, record) == 0 then return nil end
  local limit = place:match('^held:(.*)$')
  if limit and redis.call('EXISTS', key(board, place)) == 0 then redis.call('SREM', key(board, 'held'), limit) end
  local task = records.read(record)
  if not limit then release.free_slot(board, task) end
  endings.record_cancelled(board, task, clock.now())
  return record_cancelled(board, task)
end

local function cancel(board, place, member)
  if place == 'leased' then return cancellation.cancel_leased(board, member, clock.now()) and 'cancelled' or 'cancelling' end
  if place == 'delayed' then return cancel_delayed(board, member) end
  return cancel_queued(board, place, member)
end

-- The part of PAGE_SIZE that a removal takes: LREM scans what stays at the tail of a long list.
local function removal_cost(board, place)
  if task_locations.SETS[place] or place:find('^held:job:') then return CANCEL_COST end
  return CANCEL_COST + redis.call('LLEN', key(board, place)) / LREM_STEP
end

-- Cancel the tasks of a page whose ids match. Returns the next cursor, or 0 at the end, and for each task `cancelled`, or
-- `cancelling` while it runs.
function task_cancellation.cancel_page(board, matches, cursor)
  local found = {}
  -- Tasks move in this order, so a task that moves meanwhile is met again.
  local names = task_locations.of_states(board, { 'queued', 'held', 'delayed', 'leased' })
  local following = task_locations.scan(board, names, cursor, PAGE_SIZE, function(place, member)
    local id = (task_locations.SETS[place] and records.id_of_token or records.peek)(member)
    if not (id and matches(id, place, member)) then return 1 end
    local cost, done = removal_cost(board, place), cancel(board, place, member)
    if done then found[#found + 1] = done end
    return cost, done
  end)
  return following, found
end

return task_cancellation
