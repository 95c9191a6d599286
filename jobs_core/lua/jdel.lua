#!lua flags=allow-oom
--[[ JDEL board id [id …] [- by who because text]

  Remove jobs and their ledgers. Tasks that are already queued still run. After -, which no job is called, come who removes
  them, and why: see JCHANGES.

    FCALL JDEL 1 {jobs} tick
    FCALL JDEL 1 {jobs} tick tock - by ann@host because 'moved to the other board'

  Returns how many jobs were removed.
  Errors: JOBS AGAIN, JOBS OPTION.
--]]
local apply_state = require 'base.apply_state'
local arguments = require 'base.arguments'
local fail = require('base.errors').fail
local key = require('base.keys').key
local removal = require 'define.removal'
local revision = require 'job.revision'
local changes = require 'ledger.changes'

return function(board, args)
  local n = arguments.count_before_dash(args)
  if n == 0 then fail('OPTION', 'JDEL expects at least one job id') end
  local author, removed = changes.read_author(args, n + 2), changes.new_list()
  apply_state.require_no_pending_apply(board)
  for i = 1, n do
    local id = args[i]
    revision.bump_if_staged(board, id)
    redis.call('HDEL', key(board, 'owners'), id)
    removal.remove_job(board, id, removed)
  end
  n = removed.n
  changes.record(board, 'remove', author, { jobs = removed })
  return n
end
