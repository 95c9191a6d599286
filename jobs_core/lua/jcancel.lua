#!lua flags=allow-oom
--[[ JCANCEL board id [cursor] [by who] [because text]
     JCANCEL board - cursor job id [by who] [because text]

  Cancel the tasks with this id, or all tasks of a job. A waiting or accepted task ends at once. A running one is marked,
  and its worker is notified: its token goes to `{b}:inbox:<worker>`, and JBEAT returns 2 for it. It ends as cancelled
  when the worker reports that, or when its lease expires. Dead letters have ended already.

  One call looks at a few hundred tasks. Call it again with the returned cursor until that is 0. `by` and `because` say who
  cancels, and why: see JCHANGES.

    FCALL JCANCEL 1 {jobs} tick@1763900005000
      1) 0                      the cursor
      2) 1) cancelled           cancelled, or cancelling while it runs
  Errors: JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local clock = require 'base.clock'
local fail_option = require('base.errors').fail_option
local key = require('base.keys').key
local dependents = require 'due.dependents'
local cancellation = require 'ending.cancellation'
local endings = require 'ending.endings'
local events = require 'ending.events'
local changes = require 'ledger.changes'
local release = require 'limit.release'
local records = require 'queue.records'
local task_locations = require 'queue.task_locations'

local PAGE_SIZE = 500
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

-- Return what tells the tasks to cancel by their ids, and the job.
local function read_filter(id, options)
  if id == '-' then
    local job = options.job
    if not job then fail_option('job', 'expected the id of a job, got none') end
    return function(task) return records.job_of(task) == job end, job
  end
  if options.job then fail_option('job', 'expected - before the cursor, got a task id') end
  local job = records.job_of(id)
  if not job then fail_option('id', "expected a task id, <job>@<due>, got '" .. id .. "'") end
  return function(task) return task == id end, job
end

-- The part of PAGE_SIZE that a removal takes: LREM scans what stays at the tail of a long list.
local function removal_cost(board, place)
  if task_locations.SETS[place] or place:find('^held:job:') then return 1 end
  return 1 + redis.call('LLEN', key(board, place)) / LREM_STEP
end

return function(board, args)
  local id, options = args[1] or '', arguments.read_options(args, 3, { job = true }, changes.OPTIONS)
  local author, found = changes.author(options), {}
  local matches, job = read_filter(id, options)
  -- Tasks move in this order, so a task that moves meanwhile is met again.
  local names = task_locations.of_states(board, { 'queued', 'held', 'delayed', 'leased' })
  local cursor = task_locations.scan(board, names, args[2] or '0', PAGE_SIZE, function(place, member)
    local task = (task_locations.SETS[place] and records.id_of_token or records.peek)(member)
    if not (task and matches(task)) then return 1 end
    local cost, done = removal_cost(board, place), cancel(board, place, member)
    if done then found[#found + 1] = done end
    return cost, done
  end)
  dependents.queue_ready(board)
  if #found > 0 then
    changes.record(board, 'cancel', author, { target = id ~= '-' and id or nil, count = #found, jobs = { job, n = 1 } })
  end
  return { cursor, found }
end
