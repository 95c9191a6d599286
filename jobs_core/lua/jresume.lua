#!lua
--[[ JRESUME board id [if-match etag] [by who] [because text] [now time]

  Resume a paused job at its next occurrence from now on. Occurrences during the pause do not count as due. A single run
  whose time has passed does not run any more. `by` and `because` say who resumes it, and why: see JCHANGES.
  With `if-match`, nothing is changed unless this is the job's etag: see JGET.

    FCALL JRESUME 1 {jobs} tick

  Returns the next run in ms since the epoch, or 0 if there is none.
  Errors: JOBS AGAIN, JOBS CONFLICT, JOBS NOTFOUND, JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local key = require('base.keys').key
local patterns = require 'cron.patterns'
local pauses = require 'define.pauses'
local if_match = require 'job.if_match'
local lookup = require 'job.lookup'
local packed_job = require 'job.packed_job'
local changes = require 'ledger.changes'
local timers = require 'queue.timers'
local instant = require 'time.instant'

return function(board, args)
  local id = args[1]
  local options = arguments.read_options(args, 2, changes.OPTIONS, if_match.OPTIONS)
  local author, now = changes.author(options), instant.now(options)
  local head, body = lookup.require_job(board, id)
  if_match.check(options, id, head, body)
  if not head.paused then return tonumber(redis.call('ZSCORE', key(board, 'schedule'), id) or 0) end
  local old, resumed = pauses.copy_head(head), changes.new_list()
  local due = pauses.resume(head, now, patterns.new_cache(board), id)
  redis.call('HSET', key(board, 'job'), id, packed_job.pack(head, body))
  timers.set_next_run(board, id, due)
  pauses.set_timer(board, id, head, old)
  changes.add(resumed, id, { old, body }, { head, body, due })
  changes.record(board, 'resume', author, { jobs = resumed })
  return due or 0
end
