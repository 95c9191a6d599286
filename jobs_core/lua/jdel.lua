#!lua flags=allow-oom
--[[ JDEL board id [id …] [- by who because text if-match etag]

  Remove jobs and their ledgers. Tasks that are already queued still run. After -, which no job is called, come who removes
  them, and why: see JCHANGES. With `if-match`, one job is removed, if this is its etag: see JGET.

    FCALL JDEL 1 {jobs} tick
    FCALL JDEL 1 {jobs} tick tock - by ann@host because 'moved to the other board'

  Returns how many jobs were removed.
  Errors: JOBS AGAIN, JOBS CONFLICT, JOBS OPTION; with if-match, JOBS NOTFOUND.
--]]
local apply_state = require 'base.apply_state'
local arguments = require 'base.arguments'
local errors = require 'base.errors'
local key = require('base.keys').key
local removal = require 'define.removal'
local if_match = require 'job.if_match'
local lookup = require 'job.lookup'
local revision = require 'job.revision'
local changes = require 'ledger.changes'

-- Fail unless the options allow to remove these jobs.
local function check_match(board, options, id, n)
  if not options['if-match'] then return end
  if n > 1 then errors.fail_option('if-match', 'expected one job, got ' .. n) end
  if_match.check(options, id, lookup.require_job(board, id))
end

return function(board, args)
  local n = arguments.count_before_dash(args)
  if n == 0 then errors.fail('OPTION', 'JDEL expects at least one job id') end
  local options = arguments.read_options(args, n + 2, changes.OPTIONS, if_match.OPTIONS)
  local author, removed = changes.author(options), changes.new_list()
  apply_state.require_no_pending_apply(board)
  check_match(board, options, args[1], n)
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
