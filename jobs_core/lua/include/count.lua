--- @include "key"

-- Add to a counter of the ledger.
local function count(board, name, n)
  if n ~= 0 then redis.call('HINCRBY', key(board, 'stats'), name, n) end
end
