#!lua
--[[ JPAUSE board id [until time | for duration] [if-match etag] [by who] [because text] [now time]

  Stop scheduling a job until JRESUME, or until a time. Tasks that are already queued still run. An occurrence that waits for
  other jobs is skipped. At that time, JTICK resumes the job at its next occurrence. Pausing a paused job again replaces the
  time, who paused it and why. JGET shows these as paused-until, paused-by and paused-because. With `if-match`, nothing is
  changed unless this is the job's etag: see JGET.

    FCALL JPAUSE 1 {jobs} tick
    FCALL JPAUSE 1 {jobs} tick for 2h by ann@host because 'the database moves'

  Returns 1, or 0 if the job was already paused until that time, for that reason.
  Errors: JOBS AGAIN, JOBS CONFLICT, JOBS NOTFOUND, JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local fail_option = require('base.errors').fail_option
local key = require('base.keys').key
local dependencies = require 'define.dependencies'
local pauses = require 'define.pauses'
local parent_endings = require 'due.parent_endings'
local waiting = require 'due.waiting'
local if_match = require 'job.if_match'
local lookup = require 'job.lookup'
local packed_job = require 'job.packed_job'
local changes = require 'ledger.changes'
local duration = require 'time.duration'
local instant = require 'time.instant'

local OPTIONS = { ['until'] = true, ['for'] = true }

-- Return the end of the pause in ms, or nothing.
local function read_end(options, now)
  local till, period = options['until'], options['for']
  if till and period then fail_option('until', 'cannot be combined with for') end
  if period then
    local ms = duration.ms('for', period)
    if ms == 0 then fail_option('for', "expected a duration above 0, got '" .. period .. "'") end
    return now + ms
  end
  if not till then return nil end
  local ms = instant.ms('until', till, now)
  if ms <= now then fail_option('until', "expected a time that is yet to come, got '" .. till .. "'") end
  return ms
end

local function pause(board, id, head, till, author, now)
  if not head.paused then
    head.paused, head.paused_at = 1, now
    head.paused_next = tonumber(redis.call('ZSCORE', key(board, 'schedule'), id) or nil)
  end
  head.paused_until, head.paused_because = till, author.because
  head.paused_by = author.by ~= '-' and author.by or nil
end

return function(board, args)
  local id = args[1]
  local options = arguments.read_options(args, 2, OPTIONS, changes.OPTIONS, if_match.OPTIONS)
  local author, now = changes.author(options), instant.now(options)
  local till = read_end(options, now)
  local head, body = lookup.require_job(board, id)
  if_match.check(options, id, head, body)
  if head.paused and head.paused_until == till and (author.because or head.paused_because) == head.paused_because then
    return 0
  end
  local old, paused = pauses.copy_head(head), changes.new_list()
  pause(board, id, head, till, author, now)
  changes.add(paused, id, { old, body, not old.paused and head.paused_next or nil }, { head, body })
  redis.call('HSET', key(board, 'job'), id, packed_job.pack(head, body))
  redis.call('ZREM', key(board, 'schedule'), id)
  pauses.set_timer(board, id, head, old)
  if dependencies.has_time(head) then
    waiting.skip(board, id, 'paused')
    parent_endings.forget(board, id)
  end
  changes.record(board, 'pause', author, { jobs = paused })
  return 1
end
