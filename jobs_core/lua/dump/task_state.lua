-- What a dump has of a task that has not ended, or is dead. As an item: the record (see queue/records.lua), the place (queue,
-- held:<limit>, delayed or dead), its ticket and time (ms) if it is delayed or dead, the hold that limit/holds.lua knows, and
-- the number of its backfill; each may be empty.

local fail_option = require('base.errors').fail_option
local key = require('base.keys').key
local digits = require('base.numbers').digits
local backfill_state = require 'dump.backfill_state'
local board_state = require 'dump.board_state'
local items = require 'dump.items'
local queues = require 'queue.queues'
local records = require 'queue.records'
local task_locations = require 'queue.task_locations'
local timers = require 'queue.timers'

local task_state = {}

local STATES = { 'queued', 'held', 'delayed', 'dead' }

-- Return what a hash has about a task, or an empty text. `known` says whether the hash exists.
local function read_about(board, hash, task, known)
  if known[hash] == nil then known[hash] = redis.call('EXISTS', key(board, hash)) == 1 end
  return known[hash] and redis.call('HGET', key(board, hash), task) or ''
end

local function read_task(board, place, member, known)
  local is_set = task_locations.SETS[place]
  local record = is_set and redis.call('HGET', key(board, 'task'), member) or member
  local id = record and records.peek(record)
  if not id then return nil end  -- a bad record
  return {
    'task', id, record, place:match('^queue:') and 'queue' or place, is_set and member or '',
    is_set and digits(tonumber(redis.call('ZSCORE', key(board, place), member))) or '',
    read_about(board, 'holds', id, known), read_about(board, 'backfill:tasks', id, known),
  }
end

-- Return a page of items, and the next cursor. A record that cannot be read is left out: JPOP, JTICK or JDEAD sets it aside.
function task_state.page(board, cursor)
  local known = {}
  return items.of_each(task_locations.of_states(board, STATES), cursor, function(place, position)
    local is_set = task_locations.SETS[place]
    local page, following = items.page(items.position(position), function(first, n)
      local found = redis.call(is_set and 'ZRANGE' or 'LRANGE', key(board, place), first, first + n - 1)
      for i, member in ipairs(found) do found[i] = read_task(board, place, member, known) or {} end
      return found
    end)
    return page, following and digits(following)
  end)
end

local function write_timed(board, set, ticket, time, record)
  redis.call('HSET', key(board, 'task'), ticket, record)
  timers.set(board, set, ticket, time)
end

-- Return a function that writes a task to its place, or nothing if the item is wrong.
local function writer_of(board, lane, record, place, ticket, time)
  local limit = place:match('^held:(.+)$')
  if place == 'queue' then return function() queues.put_back(board, lane, record) end end
  if limit then
    return function()
      redis.call('RPUSH', key(board, place), record)
      redis.call('SADD', key(board, 'held'), limit)
    end
  end
  local is_timed = place == 'delayed' or place == 'dead'
  if is_timed and records.id_of_token(ticket) and time:find('^%d+$') then
    return function() write_timed(board, place, ticket, tonumber(time), record) end
  end
end

function task_state.write(board, id, values)
  local record, place, ticket, time, hold, backfill = unpack(values, 1, 6)
  local task = backfill and records.read(record)
  local write = task and task.id == id and writer_of(board, task.lane, record, place, ticket, time)
  if not write then fail_option('item', 'expected a task as JDUMP lists it, got other words') end
  local number = backfill ~= '' and backfill_state.number_here(backfill)
  write()
  board_state.count_task(board, place == 'dead')
  if hold ~= '' then redis.call('HSET', key(board, 'holds'), id, hold) end
  if number then redis.call('HSET', key(board, 'backfill:tasks'), id, number) end
end

return task_state
