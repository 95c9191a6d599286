-- Queues the jobs that wait for tasks that have ended, in the same script. A script processes at most MAX_JOBS of them
-- and leaves the rest to later scripts. Each entry of `{b}:follow` has the id to continue from. If other partitions have jobs
-- that wait for the parent, each gets the entry in a message, before the jobs here are queued.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local dependencies = require 'define.dependencies'
local child_runs = require 'due.child_runs'
local parent_endings = require 'due.parent_endings'
local waiting = require 'due.waiting'
local packed_job = require 'job.packed_job'
local links = require 'partition.links'
local outbox = require 'partition.outbox'
local wake = require 'queue.wake'

local dependents = {}

local MAX_JOBS = 100  -- entries and jobs per script
local MAX_BYTES = 1048576  -- bytes of jobs per script: payloads may be large

local function matches_ending(waits, ending)
  return waits.on == 'end' or ending == (waits.on or 'done')
end

-- Queue a run of a job without a time, if its parents are complete. The run's id includes a number, since the parents may
-- complete twice in the same millisecond.
local function handle_untimed(board, id, head, body, ended)
  local parents
  if head.after.join then
    parents = ended.details ~= '' and parent_endings.list({ ended.details }) or nil
  else
    parent_endings.record(board, id, ended.parent, ended.time, ended.details)
    if not parent_endings.is_complete(board, id, head.after) then return end
    parents = parent_endings.take(board, id, head.after)
  end
  local suffix = '-f' .. digits(redis.call('HINCRBY', key(board, 'stats'), 'followed', 1))
  child_runs.queue(board, id, head, body, ended.time, suffix, ended.time, parents)
end

-- Queue the occurrence of a job that waits for its parents, if they are complete.
local function handle_timed(board, id, head, body, ended)
  parent_endings.record(board, id, ended.parent, ended.time, ended.details)
  local due = waiting.due(board, id)
  if not (due and parent_endings.is_complete(board, id, head.after)) then return end
  child_runs.queue_waiting(board, id, head, body, due, ended.time)
end

-- Whether a job without a time is waiting at a time: it has runs left, and is between start and stop.
local function is_open(head, time)
  return time >= head.start and time <= (head.stop or time)
end

-- Tell a job that a parent has ended. Returns the bytes read and written.
local function handle_dependent(board, id, ended)
  local packed = redis.call('HGET', key(board, 'job'), id)
  if not packed then return 0 end
  local head, body = packed_job.unpack(packed)
  local is_waiting = head and head.after and not head.paused and head.left ~= 0 and matches_ending(head.after, ended.ending)
  if is_waiting and dependencies.has_time(head) then
    handle_timed(board, id, head, body, ended)
  elseif is_waiting and is_open(head, ended.time) then
    handle_untimed(board, id, head, body, ended)
  end
  return #packed + #ended.details
end

local function write_entry(ended, last)
  return table.concat({ ended.ending, digits(ended.time), last, ended.parent }, ' ') .. '\n' .. ended.details
end

-- Tell other partitions that a parent has ended, after the one in `last`. Returns the one to continue from, or nothing.
local function tell_partitions(board, ended, last, budget)
  local entry, told = write_entry(ended, '-'), tonumber(last:sub(2)) or -1
  for _, number in ipairs(links.partitions(board, ended.parent)) do
    if number > told then
      if budget.jobs <= 0 or budget.bytes <= 0 then return '>' .. told end
      outbox.send(board, number, 'follow', entry)
      budget.jobs, budget.bytes, told = budget.jobs - 1, budget.bytes - #entry, number
    end
  end
end

-- Process an entry within the budget. Returns what is left of it, or nothing when it is complete.
local function process_entry(board, entry, budget)
  local ending, time, last, parent, details = entry:match('^(%S+) (%d+) (%S+) (%S+)\n?(.*)$')
  local ended = { ending = ending, time = tonumber(time), parent = parent, details = details }
  if last:sub(1, 1) == '>' then
    local rest = tell_partitions(board, ended, last, budget)
    if rest or budget.jobs <= 0 or budget.bytes <= 0 then return write_entry(ended, rest or '-') end
    last = '-'
  end
  local children = redis.call('ZRANGE', key(board, 'after:' .. parent), last, '+', 'BYLEX', 'LIMIT', 0, budget.jobs)
  local most = budget.jobs
  for n, id in ipairs(children) do
    budget.jobs = budget.jobs - 1
    budget.bytes = budget.bytes - handle_dependent(board, id, ended)
    if n == most or budget.bytes <= 0 then return write_entry(ended, '(' .. id) end
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

-- Handle a message: a task of a parent in another partition has ended. If no job here waits for it any more, say so.
function dependents.receive(board, _, entry)
  local parent = entry:match('^%S+ %d+ %- (%S+)')
  if dependencies.has_children(board, parent) then
    redis.call('RPUSH', key(board, 'follow'), entry)
  else
    links.tell(board, 'unlink', { parent })
  end
end

return dependents
