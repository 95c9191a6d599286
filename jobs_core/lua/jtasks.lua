#!lua flags=no-writes
--[[ JTASKS board cursor [state s] [task id] [job id] [runner name] [queue name] [worker name] [label a=b,c=d]
         [older-than duration] [payload 1] [now time]

  List tasks a page at a time. Start with the cursor 0, and continue with the returned one until it is 0 again. States are
  queued, held (waiting for a limit), delayed, leased, accepted (the work goes on elsewhere) and dead. Without `state`,
  all but dead tasks are listed. `older-than` compares the time at which a task died, was leased, or otherwise was due.
  `label` compares the labels that the job had when the task was queued.

    FCALL_RO JTASKS 1 {jobs} 0 state dead job tick
      1) 0
      2) 1) {"id":"tick@1763900005000","state":"dead","ticket":"tick@1763900005000#7","job":"tick","attempt":3,
            "since":1763900035,"history":"failed 1763900012000 host-1 1 exit 1\tfailed …", …}

  `held` has the limit that holds a task, since when, and up to three tasks that fill it now (`by`). If its rate is used up,
  `opens` is when the next task may start. A queued task has `opens` for the rate of its queue.
  `since` and `until` are in epoch seconds; `until` is the end of a lease or delay. `history` has the format of
  queue/attempts.lua. `payload` is left out unless requested.
  Errors: JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local fail_option = require('base.errors').fail_option
local key = require('base.keys').key
local describe = require 'job.describe'
local label_option = require 'job.label_option'
local packed_job = require 'job.packed_job'
local holds = require 'limit.holds'
local attempts = require 'queue.attempts'
local lanes = require 'queue.lanes'
local leases = require 'queue.leases'
local records = require 'queue.records'
local task_locations = require 'queue.task_locations'
local duration = require 'time.duration'
local instant = require 'time.instant'

local MAX_BYTES = 65536  -- bytes of records per call, each counted as at least 256
local STATES = { 'queued', 'held', 'delayed', 'leased', 'dead' }
local DEFAULT_STATES = { 'leased', 'delayed', 'held', 'queued' }
local FILTERS = {
  state = true, task = true, job = true, runner = true, queue = true, worker = true, ['older-than'] = true, payload = true,
  label = true, now = true,
}

local function states(state)
  if not state then return DEFAULT_STATES end
  if state == 'accepted' then return { 'leased' } end
  for _, known in ipairs(STATES) do
    if known == state then return { state } end
  end
  fail_option('state', "expected queued, held, delayed, leased, accepted or dead, got '" .. state .. "'")
end

-- Return a task in readable form, the task, and its size; nothing if it cannot be read.
local function read_task(board, place, member)
  local record = task_locations.SETS[place] and redis.call('HGET', key(board, 'task'), member) or member
  local task = (place == 'leased' and leases or records).read(record)
  if not task then return nil end
  local _, payload = packed_job.split_body(task.body)
  local queue, rank = lanes.split(task.lane)
  local found = {
    id = task.id, job = records.job_of(task.id), runner = task.runner, queue = queue, priority = rank, attempt = task.attempt,
    state = place:match('^%a+'), due = describe.seconds(select(2, records.split_id(task.id))), history = task.history,
    options = next(task.options) and task.options, payload = payload,
  }
  if found.state == 'queue' then found.state = 'queued' end
  return found, task, #record
end

-- Add what is known of a task in a sorted set: its times, its worker and its progress.
local function add_details(board, place, member, found, task)
  found.ticket = member
  local score = tonumber(redis.call('ZSCORE', key(board, place), member))
  if place == 'dead' then
    found.since = describe.seconds(score)
    return
  end
  found['until'] = describe.seconds(score)
  if place == 'leased' then
    local status, since, worker, progress, note = attempts.current(task)
    found.state, found.since, found.worker = status, describe.seconds(since), worker ~= '-' and worker or nil
    found.progress, found.note = tonumber(progress), note ~= '' and note or nil
    found.cancelling = redis.call('SISMEMBER', key(board, 'cancelling'), member) == 1 or nil
  end
end

local function matches(found, filter)
  if filter.labels and not label_option.has_all(found.options or {}, filter.labels) then return false end
  for _, name in ipairs({ 'state', 'job', 'runner', 'queue', 'worker' }) do
    if filter[name] and filter[name] ~= found[name] then return false end
  end
  if filter.task and filter.task ~= found.id then return false end
  return not filter.before or (found.since or found.due) * 1000 <= filter.before
end

-- Return when the rate of a queue lets the next task start; nothing if that is now. `known` has what was read before.
local function queue_opens(board, queue, known)
  if known[queue] == nil then known[queue] = holds.opens(board, 'queue:' .. queue) or false end
  return known[queue] or nil
end

return function(board, args)
  local cursor = args[1] or '0'
  local filter = arguments.read_options(args, 2, FILTERS)
  if filter['older-than'] then
    filter.before = instant.now(filter) - duration.ms('older-than', filter['older-than'])
  end
  filter.labels = label_option.read_filter('label', filter.label)
  local tasks, opens = {}, {}
  local places = task_locations.of_states(board, states(filter.state))
  cursor = task_locations.scan(board, places, cursor, MAX_BYTES, function(place, member)
    local found, task, bytes = read_task(board, place, member)
    if not found then return 256 end  -- JPOP, JTICK or JDEAD sets it aside
    if task_locations.SETS[place] then add_details(board, place, member, found, task) end
    if found.state == 'held' then found.held = holds.find(board, found.id) end
    if found.state == 'queued' then found.opens = queue_opens(board, found.queue, opens) end
    if matches(found, filter) then
      if filter.payload ~= '1' then found.payload = nil end
      tasks[#tasks + 1] = cjson.encode(found)
    end
    return math.max(bytes, 256)
  end)
  return { cursor, tasks }
end
