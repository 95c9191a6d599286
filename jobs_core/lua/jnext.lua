#!lua flags=no-writes
--[[ JNEXT board id [count n] [now time]
     JNEXT board - option value … [count n] [now time]

  The next runs of a job, or, with `-`, of the schedule that the options describe.

    EVALSHA <JNEXT> 1 {jobs} tick count 3
    EVALSHA <JNEXT> 1 {jobs} - every 1h start 2026-12-01T08:00:00Z count 3

  Answers up to `count` (1 unless given, at most 1000) times in ms since the epoch; fewer when it ends sooner.
  Errors: JOBS NOTFOUND, JOBS OPTION.
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

-- Answers the head and the first run: of a job on the board, or of options given inline.
local function subject(board, id)
  if id == '-' then
    local options = read_pairs(ARGV, 2, SCHEDULE_OPTIONS, { count = true, now = true })
    local now = now_option(options)
    local head = read_schedule(options, now, now)
    return head, first_run(head, now), read_count(options)
  end
  local options = read_pairs(ARGV, 2, { count = true, now = true })
  local due = redis.call('ZSCORE', key(board, 'schedule'), id)
  return find_job(board, id), tonumber(due or nil), read_count(options)
end

return command(function()
  local head, due, n = subject(KEYS[1], ARGV[1] or '')
  n = math.min(n, head.l or n)
  local times = {}
  while due and #times < n do
    times[#times + 1] = due
    due = next_run(head, due, due)
  end
  return times
end)
