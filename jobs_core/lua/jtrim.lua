#!lua flags=allow-oom
--[[ JTRIM board queue keep [limit n] [by who] [because text]

  Drop the oldest tasks of a queue until `keep` remain, those of the lowest priority first, at most `limit` (default
  1000) per call. The ledger counts them as cancelled, and also as trimmed. `by` and `because` say who drops them, and why:
  see JCHANGES.

    FCALL JTRIM 1 {jobs} shell 1000

  Returns how many it dropped. Call it again while that is `limit`.
  Errors: JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local clock = require 'base.clock'
local key = require('base.keys').key
local backfills = require 'backfill.backfills'
local follow_ups = require 'due.follow_ups'
local ended_runs = require 'ending.ended_runs'
local ended_tasks = require 'ending.ended_tasks'
local output = require 'ending.output'
local changes = require 'ledger.changes'
local counters = require 'ledger.counters'
local release = require 'limit.release'
local lanes = require 'queue.lanes'
local bad_records = require 'queue.bad_records'
local open_runs = require 'queue.open_runs'
local records = require 'queue.records'

-- The board's history has no room for so many entries. Write only to the output, which waiting clients read.
local function append_cancelled(board, task)
  local period = output.period(task)
  if period then output.append(board, task, period, { { 'attempt', task.attempt, 'what', 'cancelled' } }) end
end

local function drop_task(board, task)
  task.on_board = counters.add_for_job(board, records.job_of(task.id), 'cancelled', 1)
  open_runs.remove(board, task.id)
  backfills.note_ended(board, task.id, 'cancelled')
  release.free_slot(board, task)
  append_cancelled(board, task)
  ended_tasks.record(board, task.id, 'cancelled', clock.now())
end

local function drop(board, list, n)
  local dropped, tasks = n > 0 and redis.call('LPOP', list, n) or {}, {}
  for _, record in ipairs(dropped) do
    local task = records.read(record)
    if task then
      drop_task(board, task)
      tasks[#tasks + 1] = task
    else
      bad_records.set_aside(board, 'queue', record)
    end
  end
  ended_runs.record_trimmed(board, tasks, clock.now())
  return #dropped
end

return function(board, args)
  local queue = args[1] or ''
  local keep = arguments.whole_number('keep', args[2] or '', 0)
  local options = arguments.read_options(args, 3, { limit = true }, changes.OPTIONS)
  local author, limit = changes.author(options), arguments.whole_number('limit', options.limit or '1000', 1)
  local queue_lanes, length = lanes.of_queue(board, queue), 0
  for _, lane in ipairs(queue_lanes) do length = length + redis.call('LLEN', key(board, 'queue:' .. lane)) end
  local excess, dropped = math.min(length - keep, limit), 0
  for i = #queue_lanes, 1, -1 do
    dropped = dropped + drop(board, key(board, 'queue:' .. queue_lanes[i]), excess - dropped)
  end
  counters.add(board, 'trimmed', dropped)
  follow_ups.queue(board)
  if dropped > 0 then changes.record(board, 'trim', author, { target = 'queue:' .. queue, count = dropped }) end
  return dropped
end
