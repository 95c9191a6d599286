#!lua flags=allow-oom
--[[ JCANCEL board id [cursor]

  Cancel the tasks with this id. A waiting or accepted task ends at once. A running one is marked, and its worker is
  notified: its token goes to `{b}:inbox:<worker>`, and JBEAT returns 2 for it. It ends as cancelled when the worker
  reports that, or when its lease lapses. Dead letters have ended already.

  One call looks at a few hundred tasks. Call it again with the returned cursor until that is 0.

    FCALL JCANCEL 1 {jobs} tick@1763900005000
      1) 0                      the cursor
      2) 1) cancelled           cancelled, or cancelling while it runs
  Errors: JOBS OPTION.
--]]
local clock = require 'base.clock'
local fail_option = require('base.errors').fail_option
local key = require('base.keys').key
local dependents = require 'due.dependents'
local cancellation = require 'ending.cancellation'
local ended_tasks = require 'ending.ended_tasks'
local endings = require 'ending.endings'
local events = require 'ending.events'
local counters = require 'ledger.counters'
local release = require 'limit.release'
local open_runs = require 'queue.open_runs'
local records = require 'queue.records'
local task_locations = require 'queue.task_locations'

local PAGE_SIZE = 500

local function record_cancelled(board, task)
  events.record(board, task, task.attempt, 'cancelled', {})
  return 'cancelled'
end

local function cancel_delayed(board, ticket)
  local task = records.read(redis.call('HGET', key(board, 'task'), ticket))
  if not task then return nil end
  redis.call('ZREM', key(board, 'delayed'), ticket)
  endings.complete(board, ticket, task, 'cancelled', clock.now())
  return record_cancelled(board, task)
end

-- The task may have moved since the page was read. If so, the scan meets it again in its new place.
local function cancel_queued(board, place, record)
  if redis.call('LREM', key(board, place), -1, record) == 0 then return nil end
  local limit = place:match('^held:(.*)$')
  if limit and redis.call('EXISTS', key(board, place)) == 0 then redis.call('SREM', key(board, 'held'), limit) end
  local task = records.read(record)
  if not limit then release.free_slot(board, task) end
  counters.add_for_job(board, records.job_of(task.id), 'cancelled', 1)
  open_runs.remove(board, task.id)
  ended_tasks.record(board, records.job_of(task.id), 'cancelled', clock.now())
  return record_cancelled(board, task)
end

local function cancel(board, place, member)
  if place == 'leased' then return cancellation.cancel_leased(board, member, clock.now()) and 'cancelled' or 'cancelling' end
  if place == 'delayed' then return cancel_delayed(board, member) end
  return cancel_queued(board, place, member)
end

return function(board, args)
  local id = args[1] or ''
  if not records.job_of(id) then fail_option('id', "expected a task id, <job>@<due>, got '" .. id .. "'") end
  local found = {}
  -- Tasks move in this order, so a task that moves meanwhile is met again.
  local names = task_locations.of_states(board, { 'queued', 'held', 'delayed', 'leased' })
  local cursor = task_locations.scan(board, names, args[2] or '0', PAGE_SIZE, function(place, member)
    local matches = (task_locations.SETS[place] and records.id_of_token or records.peek)(member) == id
    local done = matches and cancel(board, place, member)
    if done then found[#found + 1] = done end
    return 1, done
  end)
  dependents.queue_ready(board)
  return { cursor, found }
end
