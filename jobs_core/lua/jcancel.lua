#!lua flags=allow-oom
--[[ JCANCEL board id [cursor] [by who] [because text]
     JCANCEL board - cursor job id [by who] [because text]
     JCANCEL board - cursor label a=b,c=d [by who] [because text]

  Cancel the tasks with this id, all tasks of a job, or those that have all of these labels: a task has the labels that its
  job had when it was queued. A waiting or accepted task ends at once. A running one is marked,
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
local fail_option = require('base.errors').fail_option
local key = require('base.keys').key
local follow_ups = require 'due.follow_ups'
local task_cancellation = require 'ending.task_cancellation'
local label_option = require 'job.label_option'
local changes = require 'ledger.changes'
local leases = require 'queue.leases'
local records = require 'queue.records'
local task_locations = require 'queue.task_locations'

local function read_task(board, place, member)
  if not task_locations.SETS[place] then return records.read(member) end
  local stored = redis.call('HGET', key(board, 'task'), member)
  return (place == 'leased' and leases or records).read(stored)
end

-- Return what tells the tasks to cancel of a job, or with labels, and the job.
local function read_job_filter(board, options)
  local job, labels = options.job, label_option.read_filter('label', options.label)
  if not (job or labels) then fail_option('job', 'expected the id of a job, got none') end
  return function(id, place, member)
    if job and records.job_of(id) ~= job then return false end
    local task = not labels or read_task(board, place, member)
    return task and (task == true or label_option.has_all(task.options, labels))
  end, job
end

-- Return what tells the tasks to cancel by their ids and places, and the job, if there is one.
local function read_filter(board, id, options)
  if id == '-' then return read_job_filter(board, options) end
  for _, name in ipairs({ 'job', 'label' }) do
    if options[name] then fail_option(name, 'expected - before the cursor, got a task id') end
  end
  local job = records.job_of(id)
  if not job then fail_option('id', "expected a task id, <job>@<due>, got '" .. id .. "'") end
  return function(task) return task == id end, job
end

return function(board, args)
  local id = args[1] or ''
  local options = arguments.read_options(args, 3, { job = true, label = true }, changes.OPTIONS)
  local author = changes.author(options)
  local matches, job = read_filter(board, id, options)
  local cursor, found = task_cancellation.cancel_page(board, matches, args[2] or '0')
  follow_ups.queue(board)
  if #found > 0 then
    local target = id ~= '-' and id or options.label
    changes.record(board, 'cancel', author, { target = target, count = #found, jobs = job and { job, n = 1 } })
  end
  return { cursor, found }
end
