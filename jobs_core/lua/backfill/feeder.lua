-- Queues the tasks of backfills, as far as their concurrency, the overlap rule and the length of the queue let it. JTICK does,
-- and each script that ends a task of a backfill.

local clock = require 'base.clock'
local key = require('base.keys').key
local digits = require('base.numbers').digits
local backfills = require 'backfill.backfills'
local ran = require 'backfill.ran'
local packed_job = require 'job.packed_job'
local counters = require 'ledger.counters'
local lanes = require 'queue.lanes'
local lengths = require 'queue.lengths'
local open_runs = require 'queue.open_runs'
local queues = require 'queue.queues'
local records = require 'queue.records'
local timers = require 'queue.timers'

local feeder = {}

local MAX_BACKFILLS = 5  -- per script
local MAX_TASKS = 100  -- tasks, or dues that turn out to have run, per step
local MAX_BYTES = 1048576  -- of tasks, per step
local PAUSE = 1000  -- ms until a backfill that has to wait for other tasks looks again

-- Return how many tasks of a job may be queued now. A job with `overlap` has one run at a time: others wait.
local function room(board, backfill, head, body)
  local most = math.min(backfill.concurrency - backfill.running, MAX_TASKS, math.max(1, math.floor(MAX_BYTES / #body)))
  if most <= 0 then return most end
  if head.overlap then most = redis.call('EXISTS', key(board, 'open:' .. backfill.job)) == 1 and 0 or 1 end
  local free = lengths.room(board, head.queue or head.runner, head.runner, backfill.job)
  return free and math.min(most, free) or most
end

-- Take up to `n` dues that have not run meanwhile from the list.
local function take_dues(board, backfill, n)
  local found = redis.call('LPOP', backfills.dues_key(board, backfill.id), n) or {}
  for i, due in ipairs(found) do found[i] = tonumber(due) end
  local taken = {}
  for i, state in ipairs(ran.states(board, backfill.job, found)) do
    if state == 'ran' then
      backfill.ran, backfill.total = backfill.ran + 1, backfill.total - 1
    else
      taken[#taken + 1] = found[i]
    end
  end
  return taken
end

local function queue_tasks(board, backfill, head, body, found)
  local lane, tasks, marks = lanes.name(head.queue or head.runner, head.priority), {}, {}
  for i, due in ipairs(found) do
    local task = backfill.job .. '@' .. digits(due)
    tasks[i] = records.new(backfill.job, digits(due), lane, head.runner, (head.flags or '') .. 'p', body)
    marks[2 * i - 1], marks[2 * i] = task, backfill.id
    if head.overlap then open_runs.add(board, backfill.job, task) end
  end
  redis.call('HSET', key(board, 'backfill:tasks'), unpack(marks))
  ran.add(board, backfill.job, found)
  queues.append(board, lane, tasks)
  counters.add(board, 'due', #found)
  counters.add(board, 'queued', #found)
  counters.add(board, 'backfilled', #found)
  backfill.running = backfill.running + #found
end

-- Drop what is left to queue.
function feeder.drop_dues(board, backfill)
  backfills.end_scan(board, backfill.id)
  redis.call('DEL', backfills.dues_key(board, backfill.id))
  redis.call('HDEL', key(board, 'backfill:heads'), backfill.id)
  backfill.state, backfill.next, backfill.cursor = 'cancelling', nil, nil
end

-- End a backfill of which nothing is left. Returns when to look again, or nothing if it has ended.
function feeder.finish_idle(board, backfill, now)
  if backfill.running > 0 then return math.huge end
  return backfills.finish(board, backfill, backfill.state == 'cancelling' and 'cancelled' or 'done', now)
end

-- Queue tasks. Returns when to look at the backfill again, or nothing if it has ended. The queued tasks of a job that was
-- removed still run.
function feeder.feed(board, backfill, now)
  local packed, head, body = redis.call('HGET', key(board, 'job'), backfill.job), nil, nil
  if packed then head, body = packed_job.unpack(packed) end
  if not head or backfill.removed then
    feeder.drop_dues(board, backfill)
    return feeder.finish_idle(board, backfill, now)
  end
  local n, found = room(board, backfill, head, body), {}
  if n > 0 then found = take_dues(board, backfill, n) end
  if #found > 0 then queue_tasks(board, backfill, head, body, found) end
  if redis.call('EXISTS', backfills.dues_key(board, backfill.id)) == 0 then return feeder.finish_idle(board, backfill, now) end
  if backfill.running >= backfill.concurrency or head.overlap and #found > 0 then return math.huge end
  return n > 0 and backfills.NEXT_TICK or now + PAUSE
end

-- Write a backfill, and look at it `again`, unless it has ended.
function feeder.write(board, backfill, again)
  if not again then return end
  backfills.write(board, backfill)
  backfills.continue_at(board, backfill.id, again)
end

local function continue_one(board, id, now)
  local backfill = backfills.read(board, id)
  if not backfill or backfill.state == 'planning' or backfill.cursor then
    return backfills.continue_at(board, id, backfills.NEXT_TICK)
  end
  local step = backfill.state == 'running' and feeder.feed or feeder.finish_idle
  feeder.write(board, backfill, step(board, backfill, now))
end

-- Continue the backfills of which a task has just ended. While a board file is being put in place, they wait.
function feeder.continue_ready(board)
  local due = timers.due(board, 'backfilling', backfills.NOW, MAX_BACKFILLS)
  if #due == 0 or redis.call('EXISTS', key(board, 'rolling')) == 1 then return end
  local now = clock.now()
  for i = 1, #due, 2 do continue_one(board, due[i], now) end
end

return feeder
