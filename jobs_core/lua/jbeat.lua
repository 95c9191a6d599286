#!lua flags=allow-oom
--[[ JBEAT board lease token [token …] [-- now time]

  Extend leases. Each then lasts for `lease` (a duration) from now, or longer if it already did.

    FCALL JBEAT 1 {jobs} 30 tick@1763900005000#7

  Returns a list of 1 (extended), 0 (the token no longer holds its task: stop working on it) or 2 (extended, but
  somebody asked to cancel it: stop, and report `cancelled`).
  Errors: JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local clock = require 'base.clock'
local key = require('base.keys').key
local duration = require 'time.duration'
local instant = require 'time.instant'

-- Return the index of the last token, and the time.
local function read_arguments(args)
  for i = 2, #args do
    if args[i] == '--' then return i - 1, instant.now(arguments.read_options(args, i + 1, { now = true })) end
  end
  return #args, clock.now()
end

return function(board, args)
  local leased, cancelling = key(board, 'leased'), key(board, 'cancelling')
  local lease = duration.ms('lease', args[1] or '')
  local last, now = read_arguments(args)
  local replies = {}
  for i = 2, last do
    replies[i - 1] = redis.call('ZSCORE', leased, args[i]) and 1 or 0
    if replies[i - 1] == 1 then
      redis.call('ZADD', leased, 'XX', 'GT', now + lease, args[i])
      if redis.call('SISMEMBER', cancelling, args[i]) == 1 then replies[i - 1] = 2 end
    end
  end
  return replies
end
