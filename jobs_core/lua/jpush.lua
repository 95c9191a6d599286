#!lua
--[[ JPUSH board runner payload [option value …]     queue a one-off task
     JPUSH board id [option value …]                 run a job now, beside its schedule

  Options: at (a time) or in (a delay), keep (how long to keep the output), idempotency-key, traceparent and tracestate (the
  trace that the push belongs to, as in W3C Trace Context), now (tests). A pushed job also takes by and because (who pushes
  it, and why: see JCHANGES). A one-off task also takes unique-for, queue, priority, and the options read by workers: timeout
  lease policy attempts backoff … The nth push on a board gets the job name push:<n>. The task id of a pushed job ends in
  -<n>. A full queue (max-length: see JLIMIT) rejects a push.

  Within unique-for (a duration), another push of the same runner, payload and queue adds no task and returns the id of the
  first. So does another push with the same idempotency-key (at most 255 bytes) within a day, whatever its other options. It
  must be of the same job, or of the same runner and payload.

    FCALL JPUSH 1 {jobs} shell 'echo hi' at +10m
    FCALL JPUSH 1 {jobs} backup

  Returns the task's id.
  Errors: JOBS AGAIN, JOBS NOTFOUND, JOBS OPTION, JOBS PAYLOAD.
--]]
local arguments = require 'base.arguments'
local errors = require 'base.errors'
local key = require('base.keys').key
local digits = require('base.numbers').digits
local partition = require 'base.partition'
local dependencies = require 'define.dependencies'
local parent_endings = require 'due.parent_endings'
local ids = require 'job.ids'
local lookup = require 'job.lookup'
local packed_job = require 'job.packed_job'
local payloads = require 'job.payloads'
local trace_context = require 'job.trace_context'
local worker_options = require 'job.worker_options'
local changes = require 'ledger.changes'
local counters = require 'ledger.counters'
local lending = require 'limit.lending'
local lanes = require 'queue.lanes'
local lengths = require 'queue.lengths'
local open_runs = require 'queue.open_runs'
local queues = require 'queue.queues'
local records = require 'queue.records'
local repeated_pushes = require 'queue.repeated_pushes'
local timers = require 'queue.timers'
local duration = require 'time.duration'
local instant = require 'time.instant'

-- Return when a push is due: at a time, after a delay, or now.
local function read_due(options, now)
  if options.at and options['in'] then errors.fail_option('at', 'cannot be combined with in') end
  if options['in'] then return now + duration.ms('in', options['in']) end
  return options.at and instant.ms('at', options.at, now) or now
end

local RUN_OPTIONS = {
  at = true, ['in'] = true, keep = true, now = true, by = true, because = true, ['idempotency-key'] = true,
  traceparent = true, tracestate = true,
}
local PUSH_OPTIONS = {
  at = true, ['in'] = true, now = true, queue = true, priority = true, ['unique-for'] = true, ['idempotency-key'] = true,
  traceparent = true, tracestate = true,
}

-- Return the job's body with `keep` added, and its flags.
local function add_keep(body, period)
  local _, payload = packed_job.split_body(body)
  local found = packed_job.read_options(body)
  if found.policy == 'none' then errors.fail_option('keep', 'cannot be combined with policy none, which has no lease') end
  found.keep = duration.seconds('keep', period)
  return cjson.encode(found) .. '\n' .. payload, worker_options.flags(found)
end

-- Describe a run of a job on the board. What repeats an earlier push needs no job any more.
local function new_job_run(board, id, n, args)
  if #args > 1 and not RUN_OPTIONS[args[2]] then
    errors.fail('OPTION', 'JPUSH expects a job id, or a runner and a payload, then pairs of option and value')
  end
  local options = arguments.read_options(args, 2, RUN_OPTIONS)
  local author, now = changes.author(options), instant.now(options)
  local due = read_due(options, now)
  local mark = repeated_pushes.of_job(board, id, options)
  local first = repeated_pushes.find(mark, now)
  if first then return { first = first } end
  local head, body = lookup.require_job(board, id)
  local flags = head.flags
  if options.keep then body, flags = add_keep(body, options.keep) end
  body = packed_job.add_to_body(body, trace_context.fields(options))
  -- The push number makes the id differ from those of scheduled and other pushed runs.
  return {
    job = id, due = due, moment = digits(due) .. '-' .. digits(n), now = now,
    lane = lanes.name(head.queue or head.runner, head.priority), runner = head.runner, body = body,
    flags = flags or '', overlap = head.overlap, waits = head.after and not dependencies.has_time(head), author = author,
    mark = mark,
  }
end

-- Describe a one-off task, the nth push of the board.
local function new_one_off(board, runner, payload, n, args)
  ids.check_runner(runner)
  payloads.check(payloads.limit(board), payload)
  local options = arguments.read_options(args, 3, worker_options.READERS, PUSH_OPTIONS)
  local now = instant.now(options)
  local due = read_due(options, now)
  local queue = options.queue and worker_options.queue_name(options.queue) or runner
  local json, flags = worker_options.to_json(options)
  local mark = repeated_pushes.of_task(board, runner, payload, queue, options)
  return {
    first = repeated_pushes.find(mark, now), mark = mark,
    job = 'push:' .. digits(n), due = due, moment = digits(due), now = now,
    lane = lanes.name(queue, worker_options.priority(options)), runner = runner, flags = flags,
    body = packed_job.add_to_body(json .. '\n' .. payload, trace_context.fields(options)),
  }
end

local function require_room(board, push)
  local queue = lanes.split(push.lane)
  local room, most = lengths.room(board, queue, push.runner, push.job)
  if room ~= 0 then return end
  lending.request(board, 'length:' .. queue)
  errors.fail_option('queue', "the queue '" .. queue .. "' is full: it takes at most " .. most
    .. ' tasks (max-length). Try again later, or raise its max-length')
end

return function(board, args)
  if #args == 0 then errors.fail('OPTION', 'JPUSH expects a job id, or a runner and a payload') end
  local n = partition.numbered((tonumber(redis.call('HGET', key(board, 'stats'), 'pushed')) or 0) + 1)
  local push = #args % 2 == 1 and new_job_run(board, args[1], n, args)
    or new_one_off(board, args[1], args[2], n, args)
  if push.first then return push.first end
  require_room(board, push)

  local task = push.job .. '@' .. push.moment
  local record = records.new(push.job, push.moment, push.lane, push.runner, push.flags, push.body)
  if push.due > push.now then
    local ticket = task .. '#0'
    redis.call('HSET', key(board, 'task'), ticket, record)
    timers.set(board, 'delayed', ticket, push.due)
  else
    queues.append(board, push.lane, { record })
  end
  if push.waits then parent_endings.forget(board, push.job) end  -- start waiting for its parents again
  if push.overlap then open_runs.add(board, push.job, task) end
  repeated_pushes.remember(push.mark, push.now, task)
  counters.add(board, 'pushed', 1)
  counters.add(board, 'due', 1)
  counters.add(board, 'queued', 1)
  if push.author then changes.record(board, 'push', push.author, { target = task, jobs = { push.job, n = 1 } }) end
  return task
end
