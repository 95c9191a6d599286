#!lua flags=no-writes
--[[ JCOUNT board

  Count what is on the board.

    FCALL_RO JCOUNT 1 {jobs}

  Returns name and number pairs: jobs, scheduled, queued, held (waiting for a limit), delayed, leased, dead, and
  queue:<name> for each queue ever used. Beyond about a hundred queues, only those with tasks are sure to be listed.
  Errors: JOBS AGAIN.
--]]
local apply_state = require 'base.apply_state'
local key = require('base.keys').key
local lanes = require 'queue.lanes'
local task_locations = require 'queue.task_locations'

-- Return the number of waiting tasks in each queue over all priorities, the names in order, and the total.
local function queue_lengths(board)
  local lengths, names, all = {}, {}, 0
  for _, place in ipairs(task_locations.lanes_in_use(board)) do
    local queue, n = lanes.split(place), task_locations.size(board, place)
    if not lengths[queue] then names[#names + 1] = queue end
    lengths[queue], all = (lengths[queue] or 0) + n, all + n
  end
  table.sort(names)
  return lengths, names, all
end

return function(board, args)
  apply_state.require_no_pending_apply(board)
  local lengths, names, queued = queue_lengths(board)
  local counts = {
    'jobs', redis.call('HLEN', key(board, 'job')),
    'scheduled', redis.call('ZCARD', key(board, 'schedule')),
    'queued', queued,
    'held', task_locations.total_size(board, task_locations.held_lists(board)),
    'delayed', task_locations.size(board, 'delayed'),
    'leased', task_locations.size(board, 'leased'),
    'dead', task_locations.size(board, 'dead'),
  }
  for _, name in ipairs(names) do
    counts[#counts + 1], counts[#counts + 2] = name, lengths[name]
  end
  return counts
end
