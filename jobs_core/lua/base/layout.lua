local fail = require('base.errors').fail

local layout = {}

-- How a board is kept in Redis. `{b}:layout` says so for each board. Raise it with any change that an older version of
-- Jobs, or this one, would misread.
layout.VERSION = '5'

-- A board without a mark is new, unless there is something on it. In a cluster it may also be a slot on its way to another
-- node, whose keys have not all come: there only `jobs init` makes a board.
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

-- Refuse a board that is kept in another way. Returns whether it is new.
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
