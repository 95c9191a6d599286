#!lua flags=allow-oom
--[[ JDEL board id [id …]

  Remove jobs and their ledgers. Tasks that are already queued still run.

    FCALL JDEL 1 {jobs} tick

  Returns how many jobs were removed.
  Errors: JOBS AGAIN, JOBS OPTION.
--]]
local apply_state = require 'base.apply_state'
local fail = require('base.errors').fail
local key = require('base.keys').key
local removal = require 'define.removal'
local revision = require 'job.revision'

return function(board, args)
  if #args == 0 then fail('OPTION', 'JDEL expects at least one job id') end
  local removed = 0
  apply_state.require_no_pending_apply(board)
  for _, id in ipairs(args) do
    revision.bump_if_staged(board, id)
    redis.call('HDEL', key(board, 'owners'), id)
    if removal.remove_job(board, id) then removed = removed + 1 end
  end
  return removed
end
