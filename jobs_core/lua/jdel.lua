#!lua flags=allow-oom
--[[ JDEL board id [id …]

  Remove jobs, and their ledgers. Tasks that are already queued still run.

    EVALSHA <JDEL> 1 {jobs} tick

  Answers how many there were.
  Errors: JOBS AGAIN, JOBS OPTION.
--]]
--- @include "command"
--- @include "fail"
--- @include "remove_job"
--- @include "revision"
--- @include "settled"

return command(function()
  if #ARGV == 0 then fail('OPTION', 'JDEL needs the id of a job') end
  local board, removed = KEYS[1], 0
  refuse_unsettled(board)
  for _, id in ipairs(ARGV) do
    touch(board, id)
    redis.call('HDEL', key(board, 'owners'), id)
    if remove_job(board, id) then removed = removed + 1 end
  end
  return removed
end)
