-- Plans a backfill: finds the tasks of its job that have not ended, then lists the dues to queue. Each step is short.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local backfills = require 'backfill.backfills'
local past_dues = require 'backfill.past_dues'
local ran = require 'backfill.ran'
local packed_job = require 'job.packed_job'
local moves = require 'queue.moves'
local records = require 'queue.records'
local task_locations = require 'queue.task_locations'

local planning = {}

local SCAN_SIZE = 2000  -- tasks per step
local LIST_SIZE = 500  -- occurrences per step
local STATES = { 'queued', 'held', 'delayed', 'leased', 'dead' }  -- the order in which tasks move: see queue/moves.lua

-- Begin to plan a backfill of a job with this head.
function planning.start(board, backfill, head)
  redis.call('HSET', key(board, 'backfill:heads'), backfill.id, packed_job.pack(head, '\n'))
  redis.call('HSET', key(board, 'backfill:scans'), backfill.id, backfill.job)
  backfill.cursor = '0'
end

-- Look through a page of tasks. Returns whether that was the last one.
local function find_tasks(board, backfill)
  local busy = {}
  local places = task_locations.of_states(board, STATES)
  backfill.cursor = task_locations.scan(board, places, backfill.cursor, SCAN_SIZE, function(place, member)
    local id = (task_locations.SETS[place] and records.id_of_token or records.peek)(member)
    local job, due = moves.occurrence_of(id)
    if job == backfill.job then busy[#busy + 1] = due end
    return 1
  end)
  if #busy > 0 then redis.call('SADD', key(board, 'backfill:busy:' .. backfill.id), unpack(busy)) end
  return backfill.cursor == '0'
end

-- List the next dues to queue. Returns whether those were the last.
local function list_dues(board, backfill)
  local head = packed_job.unpack(redis.call('HGET', key(board, 'backfill:heads'), backfill.id))
  local range = past_dues.new_range(board, backfill.job, head)
  range.upto = backfill.to
  local found, following = past_dues.list(range, backfill.next, LIST_SIZE)
  local states, chosen, name = ran.states(board, backfill.job, found), {}, key(board, 'backfill:busy:' .. backfill.id)
  local has_busy = redis.call('EXISTS', name) == 1
  for i, due in ipairs(found) do
    local state = states[i]
    if has_busy and state ~= 'ran' and redis.call('SISMEMBER', name, digits(due)) == 1 then state = 'ran' end
    if state == 'missed' or state == 'unknown' and backfill.with_unknown then
      chosen[#chosen + 1] = digits(due)
    else
      backfill[state] = backfill[state] + 1
    end
  end
  backfill.occurrences, backfill.total = backfill.occurrences + #found, backfill.total + #chosen
  if #chosen > 0 then
    redis.call(backfill.order == 'latest' and 'LPUSH' or 'RPUSH', backfills.dues_key(board, backfill.id), unpack(chosen))
  end
  backfill.next = following
  return following == nil
end

-- Take one step. The backfill is running once its plan is complete.
function planning.step(board, backfill)
  if backfill.cursor and not find_tasks(board, backfill) then return end
  backfill.cursor = nil
  if not list_dues(board, backfill) then return end
  backfills.end_scan(board, backfill.id)
  redis.call('HDEL', key(board, 'backfill:heads'), backfill.id)
  backfill.state = 'running'
end

return planning
