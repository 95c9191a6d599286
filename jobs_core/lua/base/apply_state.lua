local fail = require('base.errors').fail
local key = require('base.keys').key

local apply_state = {}

-- `{b}:rolling` lists the ids of a board file that was committed and is not yet all in place; `{b}:rolling:jobs` has what
-- each of them is to be. Until then nobody is to see or change the
-- jobs, half old and half new.
function apply_state.require_no_pending_apply(board)
  if redis.call('EXISTS', key(board, 'rolling')) == 1 then
    fail('AGAIN', 'a board file is being applied: call JAPPLY roll until it returns 0, then try again')
  end
end

return apply_state
