-- `{b}:gaps` lists what happened to time, newest last: `what from to`, in ms. What is idle, when nobody ticked for more
-- than a few seconds while something was due; or clock, when Redis's clock went back, from one time to another.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local packed_job = require 'job.packed_job'

local gaps = {}

local MAX_ENTRIES = 1000
local IDLE = 5000  -- ms without a tick that count as idle: a clock ticks every second
local TIMES = { 'delayed', 'leased' }

-- Add entries, oldest first.
function gaps.add_all(board, entries)
  redis.call('RPUSH', key(board, 'gaps'), unpack(entries))
  redis.call('LTRIM', key(board, 'gaps'), -MAX_ENTRIES, -1)
end

function gaps.add(board, what, from, to)
  gaps.add_all(board, { what .. ' ' .. digits(from) .. ' ' .. digits(to) })
end

-- Return the first member of a sorted set that is due before a time, and when.
local function first_due(board, set, before)
  local due = redis.call('ZRANGE', key(board, set), '-inf', digits(before), 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')
  return due[1], tonumber(due[2] or nil)
end

-- Whether a job may have been put when it was due already.
local function may_be_put_late(board, id)
  local packed = redis.call('HGET', key(board, 'job'), id)
  local head = packed and packed_job.unpack(packed)
  return not head or head.at ~= nil
end

-- Return since when something is due, in ms, if that is before a time.
local function due_since(board, before)
  local id, since = first_due(board, 'schedule', before)
  if since and may_be_put_late(board, id) then since = nil end
  for _, set in ipairs(TIMES) do
    local _, time = first_due(board, set, before)
    if time and (not since or time < since) then since = time end
  end
  return since
end

-- At a tick, before it moves anything: note it if nobody has ticked for long while something was due. `last` is the time of
-- the latest tick that moved something or found leases. Returns since when nobody ticked, if it is noted.
function gaps.check(board, last, now)
  if now - last <= IDLE then return end
  local since = due_since(board, now - IDLE)
  if not since then return nil end
  since = math.max(last, since)
  gaps.add(board, 'idle', since, now)
  return since
end

-- Read the gaps that reach into a span of time, oldest first: tables with what, from and to, in ms.
function gaps.read(board, from, to)
  local found = {}
  for _, entry in ipairs(redis.call('LRANGE', key(board, 'gaps'), 0, -1)) do
    local what, first, last = entry:match('^(%l+) (%d+) (%d+)$')
    first, last = tonumber(first), tonumber(last)
    if what and math.max(first, last) >= from and math.min(first, last) <= to then
      found[#found + 1] = { what = what, from = first, to = last }
    end
  end
  return found
end

return gaps
