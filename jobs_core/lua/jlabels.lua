#!lua flags=no-writes
--[[ JLABELS board

  Count the jobs that have each label.

    FCALL_RO JLABELS 1 {jobs}

  Returns label and number pairs, sorted by label. JFIND finds the jobs.
  Errors: JOBS AGAIN.
--]]
local apply_state = require 'base.apply_state'
local key = require('base.keys').key

return function(board)
  apply_state.require_no_pending_apply(board)
  local counts = redis.call('HGETALL', key(board, 'labels'))
  local numbers, names = {}, {}
  for i = 1, #counts, 2 do
    names[#names + 1], numbers[counts[i]] = counts[i], tonumber(counts[i + 1])
  end
  table.sort(names)
  local found = {}
  for _, name in ipairs(names) do
    found[#found + 1], found[#found + 2] = name, numbers[name]
  end
  return found
end
