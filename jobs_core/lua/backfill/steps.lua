-- Continues backfills a short step at a time: JTICK does, and JBACKFILL begins.

local key = require('base.keys').key
local backfills = require 'backfill.backfills'
local feeder = require 'backfill.feeder'
local planning = require 'backfill.planning'
local task_cancellation = require 'ending.task_cancellation'
local timers = require 'queue.timers'

local steps = {}

local MAX_BACKFILLS = 3  -- per tick

-- The tasks of a backfill that have not ended.
local function own_tasks(board, backfill)
  local own, marks = {}, redis.call('HGETALL', key(board, 'backfill:tasks'))
  for i = 1, #marks, 2 do own[marks[i]] = marks[i + 1] == backfill.id or nil end
  return own
end

-- Cancel a page of the tasks of a backfill. Its record counts each that ends meanwhile.
local function cancel_page(board, backfill)
  backfills.write(board, backfill)
  local own = own_tasks(board, backfill)
  local cursor = task_cancellation.cancel_page(board, function(task) return own[task] end, backfill.cursor)
  local found = backfills.read(board, backfill.id)
  found.cursor = cursor ~= '0' and cursor or nil
  return found
end

-- Take the step of a backfill's state. Returns the backfill, and when to look again, or nothing if it has ended.
local function take_step(board, backfill, now)
  if backfill.state == 'planning' and not backfill.removed then
    planning.step(board, backfill)
    if backfill.state == 'planning' then return backfill, backfills.NEXT_TICK end
  end
  if backfill.state ~= 'cancelling' then return backfill, feeder.feed(board, backfill, now) end
  if backfill.cursor and backfill.running > 0 then backfill = cancel_page(board, backfill) end
  local again = feeder.finish_idle(board, backfill, now)
  return backfill, again and (backfill.cursor and backfills.NEXT_TICK or again)
end

-- Continue a backfill by one step. Returns how many tasks it has queued.
function steps.continue(board, id, now)
  local backfill = backfills.read(board, id)
  if not backfill then return redis.call('ZREM', key(board, 'backfilling'), id) * 0 end
  local before, again = backfill.running
  backfill, again = take_step(board, backfill, now)
  feeder.write(board, backfill, again)
  return math.max(0, backfill.running - before)
end

-- Continue the backfills that are due. Returns how many tasks they have queued.
function steps.tick(board, now)
  local due, n = timers.due(board, 'backfilling', now, MAX_BACKFILLS), 0
  for i = 1, #due, 2 do n = n + steps.continue(board, due[i], now) end
  return n
end

-- Cancel a backfill: queue nothing more, and cancel its tasks. Does nothing to one that has ended. Returns whether it did.
function steps.cancel(board, backfill, now)
  if backfill.state ~= 'planning' and backfill.state ~= 'running' then return false end
  feeder.drop_dues(board, backfill)
  backfill.cursor = '0'
  backfills.write(board, backfill)
  steps.continue(board, backfill.id, now)
  return true
end

return steps
