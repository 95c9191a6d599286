--- @include "head"
--- @include "key"

-- What in a sorted set of times is due, the earliest first: member, time, member, time …
local function due_members(board, set, now, limit)
  return redis.call('ZRANGE', key(board, set), '-inf', digits(now), 'BYSCORE', 'LIMIT', 0, limit, 'WITHSCORES')
end
