#!lua flags=allow-oom
--[[ JDEL board id [id …]

  Remove jobs. Tasks that are already queued still run.

    EVALSHA <JDEL> 1 {jobs} tick

  Answers how many there were.
--]]
--- @include "command"
--- @include "key"

return command(function()
  redis.call('ZREM', key(KEYS[1], 'schedule'), unpack(ARGV))
  return redis.call('HDEL', key(KEYS[1], 'job'), unpack(ARGV))
end)
