#!lua flags=no-writes
--[[ JNEXT board id [count n] [from time] [now time]
     JNEXT board - option value … [id name] [count n] [from time] [now time]

  The next runs of a job, or, with `-`, of the schedule that the options describe: for `every` from now on, for `cron`
  after now. `id` says which job's an H in a cron pattern is. With `from`, those after that time.

    EVALSHA <JNEXT> 1 {jobs} tick count 3
    EVALSHA <JNEXT> 1 {jobs} - every 1h start 2026-12-01T08:00:00Z count 3
    EVALSHA <JNEXT> 1 {jobs} - cron '0 3 * * MON-FRI' zone Europe/Brussels count 3

  Answers up to `count` (1 unless given, at most 1000) times in ms since the epoch; fewer when it ends sooner.
  Errors: JOBS AGAIN, JOBS NOTFOUND, JOBS OPTION.
--]]
--- @include "command"
--- @include "find_job"
--- @include "job_options"
--- @include "next"

local function read_count(options)
  local n = whole('count', options.count or '1', 1)
  if n > 1000 then fail('OPTION', 'count is at most 1000') end
  return n
end

local function read_from(options, now)
  return options.from and instant('from', options.from, now)
end

-- What is asked about: of options given inline, or of a job on the board. Answers its head and first run, how many runs
-- are asked for, and the job's id.
local function inline(almanac)
  local options = read_pairs(ARGV, 2, SCHEDULE_OPTIONS, { id = true, count = true, from = true, now = true })
  local now, id = now_option(options), options.id or ''
  local from = read_from(options, now)
  local head = read_schedule(options, now, now)
  return head, opening_run(head, from or now, not from, almanac, id), read_count(options), id
end

local function on_board(board, almanac, id)
  local options = read_pairs(ARGV, 2, { count = true, from = true, now = true })
  local from = read_from(options, now_option(options))
  local head, due = find_job(board, id), tonumber(redis.call('ZSCORE', key(board, 'schedule'), id) or nil)
  if from then due = next_from(head, due, from + 1, almanac, id) end
  return head, due, read_count(options), id
end

return command(function()
  local board, subject = KEYS[1], ARGV[1] or ''
  local almanac = new_almanac(board)
  local head, due, n, id
  if subject == '-' then head, due, n, id = inline(almanac) else head, due, n, id = on_board(board, almanac, subject) end
  n = math.min(n, head.l or n)
  local times = {}
  while due and #times < n do
    times[#times + 1] = due
    due = next_run(head, due, due, almanac, id)
  end
  return times
end)
