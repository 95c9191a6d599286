local key = require('base.keys').key
local digits = require('base.numbers').digits
local ended_jobs = require 'define.ended_jobs'
local overlap_rule = require 'due.overlap_rule'
local packed_job = require 'job.packed_job'
local counters = require 'ledger.counters'
local history = require 'ledger.history'
local lanes = require 'queue.lanes'
local lengths = require 'queue.lengths'
local open_runs = require 'queue.open_runs'
local queues = require 'queue.queues'
local records = require 'queue.records'
local wake = require 'queue.wake'

local dependents = {}

-- What follows when tasks have ended: the jobs that waited for theirs run, in the same script. Of very many, a hundred do,
-- and the rest with the next scripts: a note in `{b}:follow` says where to go on.
local MANY = 100  -- notes and jobs that one script looks at
local BYTES = 1048576  -- and what those may come to: payloads may be large

local function wants(waits, ending)
  return waits.on == 'end' or ending == (waits.on or 'done')
end

-- Whether all that a job waits for has ended since its last run.
local function is_met(board, id, waits, parent)
  if waits.join then return true end
  local met = key(board, 'met:' .. id)
  redis.call('SADD', met, parent)
  return redis.call('SCARD', met) == #waits.parents
end

local function pass_over(board, id, moment, why)
  counters.add(board, 'due', 1)
  counters.add(board, 'skipped', 1)
  redis.call('HINCRBY', key(board, 'ledger'), 'skipped ' .. id, 1)
  history.append(board, id .. '@' .. moment, 0, 'skipped', { 'count', 1, 'note', why })
end

-- The run's id has a number of its own, since two sets of parents may be complete in the same millisecond.
local function run(board, id, head, body, time)
  redis.call('DEL', key(board, 'met:' .. id))
  local moment = digits(time) .. '-f' .. digits(redis.call('HINCRBY', key(board, 'stats'), 'followed', 1))
  if overlap_rule.room_for_runs(board, id, head.overlap, time) == 0 then
    return pass_over(board, id, moment, 'overlap')
  end
  if lengths.room(board, head.queue or head.runner, head.runner, id) == 0 then return pass_over(board, id, moment, 'full') end
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

-- Whether a job waited at a time: not while it is paused, when its runs are used up, or outside start and stop.
local function is_waiting(head, time)
  return head.after and not head.paused and head.left ~= 0 and time >= head.start and time <= (head.stop or time)
end

-- Returns how many bytes it read.
local function look_at(board, id, parent, ending, time)
  local packed = redis.call('HGET', key(board, 'job'), id)
  if not packed then return 0 end
  local head, body = packed_job.unpack(packed)
  if head and is_waiting(head, time) and wants(head.after, ending) and is_met(board, id, head.after, parent) then
    run(board, id, head, body, time)
  end
  return #packed
end

-- Work a note off, as far as there is budget. Returns what is left of the note.
local function work_off(board, note, budget)
  local ending, time, last, parent = note:match('^(%S+) (%d+) (%S+) (%S+)$')
  local children = redis.call('ZRANGE', key(board, 'after:' .. parent), last, '+', 'BYLEX', 'LIMIT', 0, budget.jobs)
  local most = budget.jobs
  for n, id in ipairs(children) do
    budget.jobs = budget.jobs - 1
    budget.bytes = budget.bytes - look_at(board, id, parent, ending, tonumber(time))
    if n == most or budget.bytes <= 0 then return table.concat({ ending, time, '(' .. id, parent }, ' ') end
  end
end

-- Work off what notes there are. While a board file is being put in place they wait: half a board is nobody's.
function dependents.queue_ready(board)
  local notes = key(board, 'follow')
  local note = redis.call('LINDEX', notes, 0)
  if not note or redis.call('EXISTS', key(board, 'rolling')) == 1 then return end
  local budget = { jobs = MANY, bytes = BYTES }
  while note and budget.jobs > 0 and budget.bytes > 0 do
    local rest = work_off(board, note, budget)
    if rest then redis.call('LSET', notes, 0, rest) else redis.call('LPOP', notes) end
    budget.jobs = budget.jobs - 1
    note = redis.call('LINDEX', notes, 0)
  end
  if note then wake.clock(board) end
end

return dependents
