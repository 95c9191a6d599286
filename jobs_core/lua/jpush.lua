#!lua
--[[ JPUSH board runner payload [option value …]     queue a one-off task
     JPUSH board id [option value …]                 run a job now, beside its schedule

  Options: at (a time, or +10m for a delay), now (tests); for a one-off task also queue timeout lease policy
  attempts backoff. A one-off task, the nth push of the board, belongs to a job of its own, push:<n>; the task id of
  a pushed run of a job ends in -<n>.

    EVALSHA <JPUSH> 1 {jobs} shell 'echo hi' at +10m
    EVALSHA <JPUSH> 1 {jobs} backup

  Answers the task's id.
  Errors: JOBS NOTFOUND, JOBS OPTION, JOBS PAYLOAD.
--]]
--- @include "command"
--- @include "find_job"
--- @include "ids"
--- @include "payload"
--- @include "instant"
--- @include "worker_options"
--- @include "next"
--- @include "record"
--- @include "schedule"
--- @include "count"

-- Answers the job id, due time, queue, runner and body of a run of a job on the board, and the time.
local function job_run(board, id)
  if #ARGV > 1 and ARGV[2] ~= 'at' and ARGV[2] ~= 'now' then
    fail('OPTION', 'push takes a job id, or a runner and a payload, and then pairs of option and value')
  end
  local options = read_pairs(ARGV, 2, { at = true, now = true })
  local now = now_option(options)
  local head, body = find_job(board, id)
  return id, options.at and instant('at', options.at, now) or now, head.q or head.n, head.n, body, now
end

-- The same of a one-off task, the nth push of the board.
local function one_off(board, runner, payload, n)
  check_runner(runner)
  check_payload(board, payload)
  local options = read_pairs(ARGV, 3, WORKER_OPTIONS, { at = true, now = true, queue = true })
  local now = now_option(options)
  local due = options.at and instant('at', options.at, now) or now
  local queue = options.queue and word('queue', options.queue) or runner
  return 'push:' .. n, due, queue, runner, worker_options(options) .. '\n' .. payload, now
end

return command(function()
  local board = KEYS[1]
  if #ARGV == 0 then fail('OPTION', 'push needs a job id, or a runner and a payload') end
  local n = (tonumber(redis.call('HGET', key(board, 'stats'), 'pushed')) or 0) + 1
  local id, due, queue, runner, body, now
  if #ARGV % 2 == 1 then
    id, due, queue, runner, body, now = job_run(board, ARGV[1])
  else
    id, due, queue, runner, body, now = one_off(board, ARGV[1], ARGV[2], n)
  end
  -- No scheduled run of the job, and no other pushed one, may have the same id.
  local moment = #ARGV % 2 == 1 and digits(due) .. '-' .. n or digits(due)
  local task = id .. '@' .. moment
  local record = new_record(id, moment, queue, runner, body)
  if due > now then
    local ticket = task .. '#0'
    redis.call('HSET', key(board, 'task'), ticket, record)
    plan(board, 'delayed', ticket, due)
  else
    enqueue(board, queue, { record })
  end
  count(board, 'pushed', 1)
  count(board, 'due', 1)
  count(board, 'queued', 1)
  return task
end)
