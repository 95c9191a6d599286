#!lua
--[[ JPUSH board runner payload [option value …]     queue a one-off task
     JPUSH board id [option value …]                 run a job now, beside its schedule

  Options: at (a time) or in (a delay), keep (for how long its output is), now (tests); for a one-off task also
  unique-for, queue, priority, and what a worker reads: timeout lease policy attempts backoff … A one-off task, the nth
  push of the board, belongs to a job of its own, push:<n>; the task id of a pushed run of a job ends in -<n>. With
  unique-for (a duration) a push of the same runner, payload and queue queues nothing for so long, and answers the id of
  the first.

    EVALSHA <JPUSH> 1 {jobs} shell 'echo hi' at +10m
    EVALSHA <JPUSH> 1 {jobs} backup

  Answers the task's id.
  Errors: JOBS AGAIN, JOBS NOTFOUND, JOBS OPTION, JOBS PAYLOAD.
--]]
--- @include "command"
--- @include "find_job"
--- @include "ids"
--- @include "payload"
--- @include "instant"
--- @include "worker_options"
--- @include "record"
--- @include "open_runs"
--- @include "schedule"
--- @include "count"

-- When a push is due: at a time, in so long, or now.
local function due_of(options, now)
  if options.at and options['in'] then fail('OPTION', 'at and in exclude each other: both say when it is queued') end
  if options['in'] then return now + duration('in', options['in']) end
  return options.at and instant('at', options.at, now) or now
end

local RUN_OPTIONS = { at = true, ['in'] = true, keep = true, now = true }
local PUSH_OPTIONS = { at = true, ['in'] = true, now = true, queue = true, priority = true, ['unique-for'] = true }

-- The body of a job, for a run whose output is kept.
local function with_keep(body, period)
  local options, payload = split_body(body)
  local found = options ~= '' and cjson.decode(options) or {}
  if found.policy == 'none' then fail('OPTION', 'keep needs a lease, and with policy none there is none') end
  found.keep = seconds('keep', period)
  return cjson.encode(found) .. '\n' .. payload
end

-- What a run of a job on the board is made of.
local function job_run(board, id, n)
  if #ARGV > 1 and not RUN_OPTIONS[ARGV[2]] then
    fail('OPTION', 'push takes a job id, or a runner and a payload, and then pairs of option and value')
  end
  local options = read_pairs(ARGV, 2, RUN_OPTIONS)
  local now = now_option(options)
  local due = due_of(options, now)
  local head, body = find_job(board, id)
  if options.keep then body = with_keep(body, options.keep) end
  -- No scheduled run of the job, and no other pushed one, may have the same id.
  return {
    job = id, due = due, moment = digits(due) .. '-' .. n, now = now,
    lane = lane_of(head.q or head.n, head.y), runner = head.n, body = body, overlap = head.w, waits = head.h,
  }
end

-- Where the id of a unique task is kept, while it is.
local function unique_key(board, runner, queue, payload)
  return key(board, 'unique:' .. redis.sha1hex(table.concat({ runner, queue, payload }, '\n')))
end

-- The id of the task that keeps this one from being pushed, if there is one. Kept with the time until when: Redis's
-- own expiry only clears up, and knows nothing of `now`.
local function twin(push)
  local kept = push.unique and redis.call('GET', push.unique)
  local till, id = (kept or ''):match('^(%d+) (.*)$')
  return till and tonumber(till) > push.now and id or nil
end

-- What a one-off task, the nth push of the board, is made of.
local function one_off(board, runner, payload, n)
  check_runner(runner)
  check_payload(payload_limit(board), payload)
  local options = read_pairs(ARGV, 3, WORKER_OPTIONS, PUSH_OPTIONS)
  local now = now_option(options)
  local due = due_of(options, now)
  local queue = options.queue and queue_name(options.queue) or runner
  local push = {
    job = 'push:' .. n, due = due, moment = digits(due), now = now,
    lane = lane_of(queue, priority(options)), runner = runner, body = worker_options(options) .. '\n' .. payload,
  }
  if options['unique-for'] then
    push.unique, push.unique_for = unique_key(board, runner, queue, payload), duration('unique-for', options['unique-for'])
  end
  return push
end

return command(function()
  local board = KEYS[1]
  if #ARGV == 0 then fail('OPTION', 'push needs a job id, or a runner and a payload') end
  local n = (tonumber(redis.call('HGET', key(board, 'stats'), 'pushed')) or 0) + 1
  local push = #ARGV % 2 == 1 and job_run(board, ARGV[1], n) or one_off(board, ARGV[1], ARGV[2], n)
  local first = twin(push)
  if first then return first end

  local task = push.job .. '@' .. push.moment
  local record = new_record(push.job, push.moment, push.lane, push.runner, push.body)
  if push.due > push.now then
    local ticket = task .. '#0'
    redis.call('HSET', key(board, 'task'), ticket, record)
    plan(board, 'delayed', ticket, push.due)
  else
    enqueue(board, push.lane, { record })
  end
  if push.waits then redis.call('DEL', key(board, 'met:' .. push.job)) end  -- it waits anew
  if push.overlap then open_run(board, push.job, task) end
  if push.unique then
    redis.call('SET', push.unique, digits(push.now + push.unique_for) .. ' ' .. task, 'PX', digits(push.unique_for + 1000))
  end
  count(board, 'pushed', 1)
  count(board, 'due', 1)
  count(board, 'queued', 1)
  return task
end)
