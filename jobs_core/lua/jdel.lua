#!lua flags=allow-oom
--[[ JDEL board id [id …]

  Remove jobs, and their ledgers. Tasks that are already queued still run.

    EVALSHA <JDEL> 1 {jobs} tick

  Answers how many there were.
  Errors: JOBS OPTION.
--]]
--- @include "command"
--- @include "fail"
--- @include "remove_job"
--- @include "settled"

return command(function()
  if #ARGV == 0 then fail('OPTION', 'JDEL needs the id of a job') end
  local removed = 0
  for _, id in ipairs(ARGV) do
    overrule_rolling(KEYS[1], id)
    redis.call('HDEL', key(KEYS[1], 'owners'), id)
    if remove_job(KEYS[1], id) then removed = removed + 1 end
  end
  return removed
end)
