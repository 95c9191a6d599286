--- @include "fail"
--- @include "key"

local PAYLOAD_LIMIT = 1048576

-- Refuse a payload over the limit: 1 MiB, or what `{b}:settings` says under payload_limit.
local function check_payload(board, payload)
  local limit = tonumber(redis.call('HGET', key(board, 'settings'), 'payload_limit') or nil) or PAYLOAD_LIMIT
  if #payload > limit then
    fail('PAYLOAD', 'the payload is ' .. #payload .. ' bytes; the limit is ' .. limit
      .. ': store it elsewhere and pass its address')
  end
end
