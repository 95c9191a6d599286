#!lua flags=allow-oom
--[[ JBEAT board lease token [token …] [-- now time]

  Extend leases: each holds for `lease` (a duration) from now, or longer if it did already.

    EVALSHA <JBEAT> 1 {jobs} 30 tick@1763900005000#7

  Answers a list of 1 (extended), 0 (the token no longer holds its task: stop working on it) or 2 (extended, but
  somebody asked to cancel it: stop, and report `cancelled`).
  Errors: JOBS OPTION.
--]]
--- @include "command"
--- @include "instant"
--- @include "pairs"
--- @include "key"
--- @include "head"

-- Answers how many of ARGV are tokens, and the time.
local function read_arguments()
  for i = 2, #ARGV do
    if ARGV[i] == '--' then return i - 1, now_option(read_pairs(ARGV, i + 1, { now = true })) end
  end
  return #ARGV, clock()
end

return command(function()
  local leased, cancelling = key(KEYS[1], 'leased'), key(KEYS[1], 'cancelling')
  local lease = duration('lease', ARGV[1] or '')
  local last, now = read_arguments()
  local held = {}
  for i = 2, last do
    held[i - 1] = redis.call('ZSCORE', leased, ARGV[i]) and 1 or 0
    if held[i - 1] == 1 then
      redis.call('ZADD', leased, 'XX', 'GT', now + lease, ARGV[i])
      if redis.call('SISMEMBER', cancelling, ARGV[i]) == 1 then held[i - 1] = 2 end
    end
  end
  return held
end)
