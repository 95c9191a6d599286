#!lua flags=no-writes
--[[ JNEXT board id [count n] [from time] [now time]
     JNEXT board - option value … [id name] [count n] [from time] [now time]

  Show the next runs of a job, or, with `-`, of a schedule given by options. An interval starts now, a cron pattern after
  now. `id` is the job id used for an H in a cron pattern. With `from`, the runs are those after that time, which may be
  past: a schedule without a start then begins at `from`, and the runs of a job begin with its start.

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
  return options.from and instant.floor_ms('from', options.from, now)
end

-- The first run after `from`, of a schedule or of a job that was due before it; nothing when there is none.
local function first_after(head, from, cache, id)
  local found = next_run.first(head, from + 1, cache, id)
  return found and found > from and found or nil
end

-- Both readers return the head, the first run, the number of runs requested, and the job's id; for a job also its next
-- run: earlier ones do not use up the runs left.
local function read_inline(cache, args)
  local options = arguments.read_options(args, 2, schedule_options.NAMES, { id = true, count = true, from = true, now = true })
  local now, id, n = instant.now(options), options.id or '', read_count(options)
  local from = read_from(options, now)
  local head = schedule_options.read(options, now, math.min(from or now, now))
  if not from then return head, next_run.initial(head, now, true, cache, id), n, id end
  local due = first_after(head, from, cache, id)
  if not due and head.cron then next_run.initial(head, now, false, cache, id) end  -- rejected here if it never runs
  return head, due, n, id
end

local function read_stored(board, cache, id, args)
  local options = arguments.read_options(args, 2, { count = true, from = true, now = true })
  local now, n = instant.now(options), read_count(options)
  local from = read_from(options, now)
  local head, due = lookup.require_job(board, id), tonumber(redis.call('ZSCORE', key(board, 'schedule'), id) or nil)
  if not from then return head, due, n, id, due end
  if due and due <= from then return head, next_run.from(head, due, from + 1, cache, id), n, id, due end
  if not due then head.left = 0 end  -- there is nothing to come
  return head, first_after(head, from, cache, id), n, id, due or now + 1
end

return function(board, args)
  local subject = args[1] or ''
  local cache = patterns.new_cache(board)
  local head, due, n, id, upcoming
  if subject == '-' then
    head, due, n, id = read_inline(cache, args)
  else
    head, due, n, id, upcoming = read_stored(board, cache, subject, args)
  end
  local times, left = {}, head.left or n
  while due and #times < n do
    if due >= (upcoming or 0) then
      if left == 0 then break end
      left = left - 1
    end
    times[#times + 1] = due
    due = next_run.after(head, due, due, cache, id)
  end
  return times
end
