#!lua flags=no-writes
--[[ JNEXT board id [count n] [from time] [now time]
     JNEXT board - option value … [id name] [count n] [from time] [now time]

  Show the next runs of a job, or, with `-`, of a schedule given by options. An interval starts now, a cron pattern after
  now. `id` is the job id used for an H in a cron pattern. With `from`, the runs are those after that time.

    FCALL_RO JNEXT 1 {jobs} tick count 3
    FCALL_RO JNEXT 1 {jobs} - every 1h start 2026-12-01T08:00:00Z count 3
    FCALL_RO JNEXT 1 {jobs} - cron '0 3 * * MON-FRI' zone Europe/Brussels count 3

  Returns up to `count` times in ms since the epoch (default 1, at most 1000). Fewer if the schedule ends sooner.
  Errors: JOBS AGAIN, JOBS NOTFOUND, JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local fail_option = require('base.errors').fail_option
local key = require('base.keys').key
local patterns = require 'cron.patterns'
local next_run = require 'define.next_run'
local schedule_options = require 'define.schedule_options'
local lookup = require 'job.lookup'
local instant = require 'time.instant'

local function read_count(options)
  local n = arguments.whole_number('count', options.count or '1', 1)
  if n > 1000 then fail_option('count', 'expected at most 1000, got ' .. n) end
  return n
end

local function read_from(options, now)
  return options.from and instant.ms('from', options.from, now)
end

-- Both readers return the head, the first run, the number of runs requested, and the job's id.
local function read_inline(cache, args)
  local options = arguments.read_options(args, 2, schedule_options.NAMES, { id = true, count = true, from = true, now = true })
  local now, id = instant.now(options), options.id or ''
  local from = read_from(options, now)
  local head = schedule_options.read(options, now, now)
  return head, next_run.initial(head, from or now, not from, cache, id), read_count(options), id
end

local function read_stored(board, cache, id, args)
  local options = arguments.read_options(args, 2, { count = true, from = true, now = true })
  local from = read_from(options, instant.now(options))
  local head, due = lookup.require_job(board, id), tonumber(redis.call('ZSCORE', key(board, 'schedule'), id) or nil)
  if from then due = next_run.from(head, due, from + 1, cache, id) end
  return head, due, read_count(options), id
end

return function(board, args)
  local subject = args[1] or ''
  local cache = patterns.new_cache(board)
  local head, due, n, id
  if subject == '-' then
    head, due, n, id = read_inline(cache, args)
  else
    head, due, n, id = read_stored(board, cache, subject, args)
  end
  n = math.min(n, head.left or n)
  local times = {}
  while due and #times < n do
    times[#times + 1] = due
    due = next_run.after(head, due, due, cache, id)
  end
  return times
end
