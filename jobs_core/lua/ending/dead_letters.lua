-- `{b}:dead` sorts the tickets of dead letters by when they died. The oldest are purged, as the board's bounds say.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local events = require 'ending.events'
local counters = require 'ledger.counters'
local retention = require 'ledger.retention'
local bad_records = require 'queue.bad_records'
local records = require 'queue.records'

local dead_letters = {}

-- Take a dead letter out. Returns its task, or nothing if there is none that can be read.
function dead_letters.take(board, ticket)
  if redis.call('ZREM', key(board, 'dead'), ticket) == 0 then return nil end
  local record = redis.call('HGET', key(board, 'task'), ticket)
  redis.call('HDEL', key(board, 'task'), ticket)
  local task = records.read(record)
  if not task then bad_records.set_aside(board, 'dead', record, ticket) end
  return task
end

function dead_letters.purge(board, task, note)
  counters.add(board, 'purged', 1)
  events.record(board, task, task.attempt, 'purged', note and { 'note', note } or {})
end

local function purge_all(board, tickets, note)
  for _, ticket in ipairs(tickets) do
    local task = dead_letters.take(board, ticket)
    if task then dead_letters.purge(board, task, note) end
  end
end

-- Purge the oldest beyond the board's bound, up to `most`.
function dead_letters.purge_excess(board, most)
  local bound = retention.bound(board, 'dead-letters')
  local excess = bound and math.min(redis.call('ZCARD', key(board, 'dead')) - bound, most) or 0
  if excess > 0 then purge_all(board, redis.call('ZRANGE', key(board, 'dead'), 0, excess - 1), 'too many dead letters') end
end

local function purge_old(board, now, most)
  local age = retention.bound(board, 'dead-age')
  if not age then return end
  local tickets = redis.call('ZRANGE', key(board, 'dead'), '-inf', digits(now - age), 'BYSCORE', 'LIMIT', 0, most)
  purge_all(board, tickets, 'too old')
end

-- Purge those that are too many, and those that are too old, up to `most` of each.
function dead_letters.expire(board, now, most)
  if redis.call('EXISTS', key(board, 'dead')) == 0 then return end
  dead_letters.purge_excess(board, most)
  purge_old(board, now, most)
end

return dead_letters
