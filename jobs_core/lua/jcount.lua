#!lua flags=no-writes
--[[ JCOUNT board

  What is on the board now, as name and number pairs: jobs, scheduled, queued, held (by a limit), delayed, leased, dead,
  and queue:<name> for each queue that was ever used (beyond about a hundred, for those that have tasks).

    EVALSHA <JCOUNT> 1 {jobs}

  Errors: JOBS AGAIN.
--]]
--- @include "command"
--- @include "places"
--- @include "record"
--- @include "settled"

-- The queues by name, and how many tasks wait in each, whatever their priority.
local function queue_lengths(board)
  local names, lengths = {}, {}
  for _, place in ipairs(lanes_in_use(board)) do
    local queue = split_lane(place)
    if not lengths[queue] then names[#names + 1] = queue end
    lengths[queue] = (lengths[queue] or 0) + size(board, place)
  end
  return names, lengths
end

return command(function()
  local board = KEYS[1]
  refuse_unsettled(board)
  local counts = {
    'jobs', redis.call('HLEN', key(board, 'job')),
    'scheduled', redis.call('ZCARD', key(board, 'schedule')),
    'queued', total(board, lanes_in_use(board)),
    'held', total(board, held_lists(board)),
    'delayed', size(board, 'delayed'),
    'leased', size(board, 'leased'),
    'dead', size(board, 'dead'),
  }
  local names, lengths = queue_lengths(board)
  for _, name in ipairs(names) do
    counts[#counts + 1], counts[#counts + 2] = name, lengths[name]
  end
  return counts
end)
