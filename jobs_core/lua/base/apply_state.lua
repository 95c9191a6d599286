local fail = require('base.errors').fail
local key = require('base.keys').key

local apply_state = {}

-- `{b}:rolling` lists the jobs of a committed board file that are not in place yet, and `{b}:rolling:jobs` has the change
-- to each. Until both are empty, the board is half old and half new, so commands on jobs must not read or change it.
function apply_state.require_no_pending_apply(board)
  if redis.call('EXISTS', key(board, 'rolling')) == 1 then
    fail('AGAIN', 'a board file is being applied: call JAPPLY roll until it returns 0, then try again')
  end
end

return apply_state
