-- Queues the jobs that wait for tasks that have ended, in the same script. A script processes at most MAX_JOBS of them
-- and leaves the rest to later scripts. Each entry of `{b}:follow` has the id to continue from.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local ended_jobs = require 'define.ended_jobs'
local overlap_rule = require 'due.overlap_rule'
local packed_job = require 'job.packed_job'
local counters = require 'ledger.counters'
local history = require 'ledger.history'
local hours = require 'ledger.hours'
local runs = require 'ledger.runs'
local lanes = require 'queue.lanes'
local lengths = require 'queue.lengths'
local open_runs = require 'queue.open_runs'
local queues = require 'queue.queues'
local records = require 'queue.records'
local wake = require 'queue.wake'

local dependents = {}

local MAX_JOBS = 100  -- entries and jobs per script
local MAX_BYTES = 1048576  -- bytes of jobs per script: payloads may be large

local function matches_ending(waits, ending)
  return waits.on == 'end' or ending == (waits.on or 'done')
end

-- Record a parent that has ended. Returns whether all parents have ended since the job's last run, or one with join any.
local function is_complete(board, id, waits, parent)
  if waits.join then return true end
  local met = key(board, 'met:' .. id)
  redis.call('SADD', met, parent)
  return redis.call('SCARD', met) == #waits.parents
end

local function record_skipped(board, id, due, moment, why, own)
  counters.add(board, 'due', 1)
  counters.add(board, 'skipped', 1)
  redis.call('HINCRBY', key(board, 'ledger'), 'skipped ' .. id, 1)
  history.append(board, id .. '@' .. moment, 0, 'skipped', { 'count', 1, 'note', why })
  hours.add(board, 'skipped', 1, due)
  local through = digits(due)
  runs.add_missed(board, { { what = 'skipped', job = id, due = through, through = through, n = 1, why = why, own = own } })
end

-- The run's id includes a number, since the parents may complete twice in the same millisecond.
local function queue_run(board, id, head, body, time)
  redis.call('DEL', key(board, 'met:' .. id))
  local moment = digits(time) .. '-f' .. digits(redis.call('HINCRBY', key(board, 'stats'), 'followed', 1))
  local own = (packed_job.read_options(body) or {}).history
  if overlap_rule.allowed_runs(board, id, head.overlap, time) == 0 then
    return record_skipped(board, id, time, moment, 'overlap', own)
  end
  if lengths.room(board, head.queue or head.runner, head.runner, id) == 0 then
    return record_skipped(board, id, time, moment, 'full', own)
  end
  if head.left then
    head.left = head.left - 1
    redis.call('HSET', key(board, 'job'), id, packed_job.pack(head, body))
    if head.left == 0 then ended_jobs.note(board, { id }, time) end
  end
  if head.overlap then open_runs.add(board, id, id .. '@' .. moment) end
  local lane = lanes.name(head.queue or head.runner, head.priority)
  queues.append(board, lane, { records.new(id, moment, lane, head.runner, head.flags or '', body) })
  counters.add(board, 'due', 1)
  counters.add(board, 'queued', 1)
end

-- Whether a job is waiting at a time: it is not paused, has runs left, and is between start and stop.
local function is_waiting(head, time)
  return head.after and not head.paused and head.left ~= 0 and time >= head.start and time <= (head.stop or time)
end

-- Queue a dependent job if it is ready. Returns the bytes read.
local function handle_dependent(board, id, parent, ending, time)
  local packed = redis.call('HGET', key(board, 'job'), id)
  if not packed then return 0 end
  local head, body = packed_job.unpack(packed)
  if head and is_waiting(head, time) and matches_ending(head.after, ending) and is_complete(board, id, head.after, parent) then
    queue_run(board, id, head, body, time)
  end
  return #packed
end

-- Process an entry within the budget. Returns what is left of it, or nothing when it is complete.
local function process_entry(board, entry, budget)
  local ending, time, last, parent = entry:match('^(%S+) (%d+) (%S+) (%S+)$')
  local children = redis.call('ZRANGE', key(board, 'after:' .. parent), last, '+', 'BYLEX', 'LIMIT', 0, budget.jobs)
  local most = budget.jobs
  for n, id in ipairs(children) do
    budget.jobs = budget.jobs - 1
    budget.bytes = budget.bytes - handle_dependent(board, id, parent, ending, tonumber(time))
    if n == most or budget.bytes <= 0 then return table.concat({ ending, time, '(' .. id, parent }, ' ') end
  end
end

-- Process the entries of `{b}:follow`. While a board file is being put in place, they wait, since the jobs are half old
-- and half new.
function dependents.queue_ready(board)
  local entries = key(board, 'follow')
  local entry = redis.call('LINDEX', entries, 0)
  if not entry or redis.call('EXISTS', key(board, 'rolling')) == 1 then return end
  local budget = { jobs = MAX_JOBS, bytes = MAX_BYTES }
  while entry and budget.jobs > 0 and budget.bytes > 0 do
    local rest = process_entry(board, entry, budget)
    if rest then redis.call('LSET', entries, 0, rest) else redis.call('LPOP', entries) end
    budget.jobs = budget.jobs - 1
    entry = redis.call('LINDEX', entries, 0)
  end
  if entry then wake.clock(board) end
end

return dependents
