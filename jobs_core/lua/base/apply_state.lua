local fail = require('base.errors').fail
local key = require('base.keys').key
local layout = require 'base.layout'

local apply_state = {}

-- `{b}:rolling` lists the jobs of a committed board file that are not in place yet, and `{b}:rolling:jobs` has the change
-- to each. Until both are empty, the board is half old and half new, so commands on jobs must not read or change it.
-- The same holds for a partition that has prepared a board file (see partition/commits.lua): others may be new already.
function apply_state.require_no_pending_apply(board)
  if redis.call('EXISTS', key(board, 'rolling')) == 1 or apply_state.is_prepared(board) then
    fail('AGAIN', 'a board file is being applied: call JAPPLY roll until it returns 0, then try again')
  end
end

-- Whether a partition waits to learn if it is to commit a board file.
function apply_state.is_prepared(board)
  return layout.partition() and redis.call('EXISTS', key(board, 'prepared')) == 1
end

return apply_state
