#!lua
--[[ JRESUME board id [now time]

  Resume a paused job at its next occurrence from now on. Occurrences during the pause do not count as due. A single run
  whose time has passed does not run any more.

    FCALL JRESUME 1 {jobs} tick

  Returns the next run in ms since the epoch, or 0 if there is none.
  Errors: JOBS AGAIN, JOBS NOTFOUND, JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local key = require('base.keys').key
local patterns = require 'cron.patterns'
local next_run = require 'define.next_run'
local lookup = require 'job.lookup'
local packed_job = require 'job.packed_job'
local timers = require 'queue.timers'
local instant = require 'time.instant'

return function(board, args)
  local id = args[1]
  local now = instant.now(arguments.read_options(args, 2, { now = true }))
  local head, body = lookup.require_job(board, id)
  if not head.paused then return tonumber(redis.call('ZSCORE', key(board, 'schedule'), id) or 0) end
  local due = next_run.from(head, head.paused_next, now, patterns.new_cache(board), id)
  head.paused, head.paused_next = nil, nil
  redis.call('HSET', key(board, 'job'), id, packed_job.pack(head, body))
  timers.set_next_run(board, id, due)
  return due or 0
end
