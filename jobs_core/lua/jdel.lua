#!lua flags=allow-oom
--[[ JDEL board id [id …]

  Remove jobs, and their ledgers. Tasks that are already queued still run.

    EVALSHA <JDEL> 1 {jobs} tick

  Answers how many there were.
  Errors: JOBS OPTION.
--]]
--- @include "command"
--- @include "fail"
--- @include "ledger"

return command(function()
  if #ARGV == 0 then fail('OPTION', 'JDEL needs the id of a job') end
  local removed = 0
  for _, id in ipairs(ARGV) do
    redis.call('ZREM', key(KEYS[1], 'schedule'), id)
    removed = removed + redis.call('HDEL', key(KEYS[1], 'job'), id)
    redis.call('DEL', key(KEYS[1], 'open:' .. id))
    forget_ledger(KEYS[1], id)
  end
  return removed
end)
