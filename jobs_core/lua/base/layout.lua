local fail = require('base.errors').fail

local layout = {}

-- The version of the keys and packed values, as in `{b}:layout`. Increase it with any change that an older or newer
-- version of Jobs would misread.
layout.VERSION = '5'

-- A board without a layout is new if it has no keys. In a cluster it may also be in a slot that is still moving to this
-- node, so there only `jobs init` creates a board.
local function require_new(board)
  if redis.call('EXISTS', board .. ':stats', board .. ':job') > 0 then
    fail('LAYOUT', 'the board ' .. board .. ' was made by an older version of Jobs: '
      .. 'run `jobs dump` with that version, and `jobs load` with this one under another name')
  end
  local info = redis.pcall('INFO', 'cluster')
  if type(info) == 'string' and info:find('cluster_enabled:1', 1, true) then
    fail('AGAIN', 'this node has no board ' .. board .. ': run `jobs init` to make one, '
      .. 'or try again later if its slot is moving here')
  end
end

-- Reject a board with another layout. Returns whether the board is new.
function layout.is_new(board)
  local found = redis.call('GET', board .. ':layout')
  if found == layout.VERSION then return false end
  if not found then
    require_new(board)
    return true
  end
  fail('LAYOUT', 'the board ' .. board .. ' has layout ' .. found .. ', but this version of Jobs reads layout '
    .. layout.VERSION .. ': use the version that made the board')
end

function layout.mark(board)
  redis.call('SET', board .. ':layout', layout.VERSION)
end

return layout
