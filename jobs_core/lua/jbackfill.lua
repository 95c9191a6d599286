#!lua
--[[ JBACKFILL board start job from time to time [concurrency n] [order earliest|latest] [unknown 1]
     [by text] [because text] [now time]
     JBACKFILL board cancel backfill [by text] [because text] [now time]

  Backfill a job: queue its occurrences from a time on and before another, as its schedule has them now, under their own ids,
  so that one that has run is never run again. Those from the job's next run on are left out. At most `concurrency` (default
  1) of them are queued or running at a time, the earliest first. Ticks, and reports on its tasks, continue it. Those that ran
  (see JDUES) are left out, and so are those of which the history no longer tells, unless `unknown` is 1. A backfill has at
  most 100,000 occurrences, and a board at most 20 backfills under way.

  With cancel, nothing more is queued, its queued tasks are cancelled, and the workers of its running ones are told to stop.
  JCHANGES lists both: `by` is who did it, and `because` says why.

    FCALL JBACKFILL 1 {jobs} start report from 2026-11-01 to 2026-12-01
    FCALL JBACKFILL 1 {jobs} cancel 1

  Returns the number of the backfill. See JBACKFILLS for its progress.
  Errors: JOBS AGAIN, JOBS NOTFOUND, JOBS OPTION.
--]]
local apply_state = require 'base.apply_state'
local arguments = require 'base.arguments'
local errors = require 'base.errors'
local key = require('base.keys').key
local digits = require('base.numbers').digits
local partition = require 'base.partition'
local backfills = require 'backfill.backfills'
local past_dues = require 'backfill.past_dues'
local planning = require 'backfill.planning'
local steps = require 'backfill.steps'
local changes = require 'ledger.changes'
local instant = require 'time.instant'

local MAX_OCCURRENCES, MAX_CONCURRENCY, MAX_BACKFILLS = 100000, 1000, 20
local START_OPTIONS = { from = true, to = true, concurrency = true, order = true, unknown = true }

local function read_concurrency(options)
  local n = arguments.whole_number('concurrency', options.concurrency or '1', 1)
  if n > MAX_CONCURRENCY then errors.fail_option('concurrency', 'expected at most ' .. MAX_CONCURRENCY .. ', got ' .. n) end
  return n
end

local function read_order(options)
  local order = options.order or 'earliest'
  if order ~= 'earliest' and order ~= 'latest' then
    errors.fail_option('order', "expected earliest or latest, got '" .. order .. "'")
  end
  return order
end

local function check_bounds(board, range)
  local n = past_dues.count(range)
  if n > MAX_OCCURRENCES then
    errors.fail_option('from', 'a backfill has at most ' .. MAX_OCCURRENCES .. ' occurrences, but the job has ' .. digits(n)
      .. ' in that time: backfill a part of it')
  end
  if redis.call('ZCARD', key(board, 'backfilling')) >= MAX_BACKFILLS then
    errors.fail('OPTION', 'the board has ' .. MAX_BACKFILLS .. ' backfills under way: wait for one to end, or cancel one')
  end
end

local function record_change(board, what, author, backfill)
  local jobs = changes.new_list()
  changes.add_id(jobs, backfill.job)
  changes.record(board, what, author, { target = 'backfill ' .. backfill.id, jobs = jobs })
end

local function start(board, job, args)
  local options = arguments.read_options(args, 3, START_OPTIONS, changes.OPTIONS)
  local now, concurrency, order = instant.now(options), read_concurrency(options), read_order(options)
  local author = changes.author(options)
  local range = past_dues.read_range(board, job, options, now)
  check_bounds(board, range)
  local backfill = {
    id = digits(partition.numbered(redis.call('HINCRBY', key(board, 'stats'), 'backfills', 1))),
    job = job, from = range.from, to = range.upto,
    concurrency = concurrency, order = order, with_unknown = options.unknown == '1', state = 'planning', began = now,
    next = range.first, occurrences = 0, ran = 0, unknown = 0, total = 0, running = 0, done = 0, dead = 0, cancelled = 0,
    unleased = 0,
  }
  planning.start(board, backfill, range.head)
  backfills.write(board, backfill)
  steps.continue(board, backfill.id, now)
  record_change(board, 'backfill', author, backfill)
  return backfill.id
end

local function cancel(board, id, args)
  local author, now = changes.read_author(args, 3), instant.now(arguments.read_options(args, 3, changes.OPTIONS))
  apply_state.require_no_pending_apply(board)
  local backfill = backfills.read(board, id)
  if not backfill then errors.fail('NOTFOUND', "there is no backfill '" .. id .. "'") end
  if steps.cancel(board, backfill, now) then record_change(board, 'cancel', author, backfill) end
  return id
end

return function(board, args)
  local verb = ({ start = start, cancel = cancel })[args[1] or '']
  if not (verb and args[2]) then
    errors.fail('OPTION', 'JBACKFILL expects start and the id of a job, or cancel and the number of a backfill')
  end
  return verb(board, args[2], args)
end
