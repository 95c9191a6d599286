#!lua flags=allow-oom
--[[ JREGISTER board worker runner [runner …]

  Say that a worker serves these runners: `{b}:runners` maps each runner to the worker seen last, and when. Memory
  may be full: it is workers that free it.

    EVALSHA <JREGISTER> 1 {jobs} host-1 shell http

  Answers how many runners were new to the board.
--]]
--- @include "command"
--- @include "clock"
--- @include "key"
--- @include "head"

return command(function()
  local seen = {}
  local stamp = digits(clock()) .. ' ' .. ARGV[1]
  for i = 2, #ARGV do
    seen[#seen + 1], seen[#seen + 2] = ARGV[i], stamp
  end
  return redis.call('HSET', key(KEYS[1], 'runners'), unpack(seen))
end)
