-- A job that is paused until a time is in `{b}:resumes`, a sorted set of these times. A tick resumes what is due, at the next
-- occurrence from that time on.

local key = require('base.keys').key
local patterns = require 'cron.patterns'
local job_store = require 'define.job_store'
local next_run = require 'define.next_run'
local packed_job = require 'job.packed_job'
local changes = require 'ledger.changes'
local timers = require 'queue.timers'
local instant = require 'time.instant'

local pauses = {}

local MAX_JOBS = 40  -- that one tick resumes: each may read a cron pattern

local FIELDS = { 'paused', 'paused_next', 'paused_at', 'paused_by', 'paused_because', 'paused_until' }

-- Copy the pause of one head to another.
function pauses.copy(head, old)
  for _, name in ipairs(FIELDS) do head[name] = old[name] end
end

function pauses.clear(head)
  for _, name in ipairs(FIELDS) do head[name] = nil end
end

-- Restore the pause of a dumped job, if the dump says more about it than that there is one.
function pauses.restore(head, options, now)
  if not (options['paused-at'] or options['paused-until'] or options['paused-by'] or options['paused-because']) then return end
  local at, till = options['paused-at'], options['paused-until']
  head.paused_at = at and instant.ms('paused-at', at, now) or nil
  head.paused_until = till and instant.ms('paused-until', till, now) or nil
  local author = changes.author({ by = options['paused-by'], because = options['paused-because'] })
  head.paused_by, head.paused_because = options['paused-by'] and author.by, author.because
end

-- Note when a job is to be resumed. `old` is its head before, if it existed, and `head` is nil if the job is removed.
function pauses.set_timer(board, id, head, old)
  local till = head and head.paused and head.paused_until
  if till then
    timers.set(board, 'resumes', id, till)
  elseif old and old.paused_until then
    redis.call('ZREM', key(board, 'resumes'), id)
  end
end

-- Resume a paused job at its first occurrence from `from` on. Changes the head, and returns the next run.
function pauses.resume(head, from, cache, id)
  local due = next_run.from(head, head.paused_next, from, cache, id)
  pauses.clear(head)
  return due
end

function pauses.copy_head(head)
  local found = {}
  for name, value in pairs(head) do found[name] = value end
  return found
end

-- Resume one job, unless it is not paused until then any more. Returns what was before, and the head, body and next run.
local function resume_due(packed, till, cache, id)
  local head, body = packed_job.unpack(packed)
  if not (head and head.paused and head.paused_until == till) then return end
  local old = pauses.copy_head(head)
  local due = pauses.resume(head, till, cache, id)
  return { old, body }, { head, body, due }
end

-- Resume what is due, some jobs per call. `at` is the time of the change, if it is not that of Redis's clock.
function pauses.end_due(board, now, at)
  local due = timers.due(board, 'resumes', now, MAX_JOBS)
  if #due == 0 then return end
  local ids, resumed = {}, changes.new_list()
  for i = 1, #due, 2 do ids[#ids + 1] = due[i] end
  local store, cache = job_store.new(board), patterns.new_cache(board)
  job_store.expect(store, ids)
  for i, id in ipairs(ids) do
    local packed = job_store.find(store, id)
    local before, after
    if packed then before, after = resume_due(packed, tonumber(due[2 * i]), cache, id) end
    if before then
      job_store.put(store, id, packed_job.pack(after[1], after[2]), after[3])
      changes.add(resumed, id, before, after)
    end
  end
  job_store.write(store)
  redis.call('ZREM', key(board, 'resumes'), unpack(ids))
  changes.record(board, 'resume', { by = '-', because = 'paused until now', at = at }, { jobs = resumed })
end

return pauses
