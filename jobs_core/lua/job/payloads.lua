local fail = require('base.errors').fail
local key = require('base.keys').key

local payloads = {}

local PAYLOAD_LIMIT = 1048576

-- Return the maximum payload size in bytes: payload_limit in `{b}:settings`, or 1 MiB.
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
