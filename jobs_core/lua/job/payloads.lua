local fail = require('base.errors').fail
local key = require('base.keys').key

local payloads = {}

local PAYLOAD_LIMIT = 1048576

-- The bytes that a payload may have: 1 MiB, or what `{b}:settings` says under payload_limit.
function payloads.limit(board)
  return tonumber(redis.call('HGET', key(board, 'settings'), 'payload_limit') or nil) or PAYLOAD_LIMIT
end

function payloads.check(limit, payload)
  if #payload > limit then
    fail('PAYLOAD', 'payload: expected at most ' .. limit .. ' bytes, got ' .. #payload
      .. ': store it elsewhere and pass its address')
  end
end

return payloads
