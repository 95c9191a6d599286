#!lua flags=allow-oom
--[[ JCANCEL board id [cursor]
     JCANCEL board - cursor job id

  Cancel the tasks with this id, or all tasks of a job. A waiting or accepted task ends at once. A running one is marked,
  and its worker is notified: its token goes to `{b}:inbox:<worker>`, and JBEAT returns 2 for it. It ends as cancelled
  when the worker reports that, or when its lease expires. Dead letters have ended already.

  One call looks at a few hundred tasks. Call it again with the returned cursor until that is 0.

    FCALL JCANCEL 1 {jobs} tick@1763900005000
      1) 0                      the cursor
      2) 1) cancelled           cancelled, or cancelling while it runs
  Errors: JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local fail_option = require('base.errors').fail_option
local feeder = require 'backfill.feeder'
local dependents = require 'due.dependents'
local task_cancellation = require 'ending.task_cancellation'
local records = require 'queue.records'

-- Return what tells the tasks to cancel by their ids.
local function read_filter(args)
  local id = args[1] or ''
  if id == '-' then
    local job = arguments.read_options(args, 3, { job = true }).job
    if not job then fail_option('job', 'expected the id of a job, got none') end
    return function(task) return records.job_of(task) == job end
  end
  if not records.job_of(id) then fail_option('id', "expected a task id, <job>@<due>, got '" .. id .. "'") end
  return function(task) return task == id end
end

return function(board, args)
  local matches = read_filter(args)
  local cursor, found = task_cancellation.cancel_page(board, matches, args[2] or '0')
  dependents.queue_ready(board)
  feeder.continue_ready(board)
  return { cursor, found }
end
