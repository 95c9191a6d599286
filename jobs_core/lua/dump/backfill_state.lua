-- What a dump has of backfills: see backfill/backfills.lua.

local fail_option = require('base.errors').fail_option
local key = require('base.keys').key
local digits = require('base.numbers').digits
local partition = require 'base.partition'
local backfills = require 'backfill.backfills'
local items = require 'dump.items'

local backfill_state = {}

local DUES = 1000  -- dues of an item

-- Return the item of each backfill: its number, what is stored of it, and when a tick looks at it again, if it has not ended.
function backfill_state.read(board)
  local found, flat = {}, redis.call('HGETALL', key(board, 'backfills'))
  for i = 1, #flat, 2 do
    local score = redis.call('ZSCORE', key(board, 'backfilling'), flat[i])
    found[#found + 1] = { 'backfill', cjson.decode(flat[i + 1]).job, flat[i], flat[i + 1], score or '' }
  end
  return found
end

-- Return the number of a backfill that is being planned, or nothing.
function backfill_state.find_planned(board)
  for _, id in ipairs(redis.call('ZRANGE', key(board, 'backfilling'), 0, -1)) do
    local backfill = backfills.read(board, id)
    if backfill and (backfill.state == 'planning' or backfill.cursor) then return id end
  end
end

-- Read the dues that a backfill has left to queue, from a position on.
function backfill_state.read_dues(board, id, position)
  local first, backfill = items.position(position), backfills.read(board, id)
  local dues = redis.call('LRANGE', backfills.dues_key(board, id), first, first + DUES - 1)
  if #dues == 0 or not backfill then return {}, nil end
  return { { 'dues', backfill.job, id, unpack(dues) } }, #dues == DUES and digits(first + DUES) or nil
end

-- Return the number under which a backfill is loaded: one that leads to this partition, if this is one.
function backfill_state.number_here(id)
  if not (id or ''):find('^%d+$') then fail_option('item', 'expected the number of a backfill') end
  return digits(partition.numbered(tonumber(id)))
end

-- Let later backfills have larger numbers.
local function note_number(board, id)
  local last = tonumber(redis.call('HGET', key(board, 'stats'), 'backfills') or 0)
  redis.call('HSET', key(board, 'stats'), 'backfills', digits(math.max(last, tonumber(id))))
end

function backfill_state.write(board, job, values)
  local id, text, score = unpack(values, 1, 3)
  local number = backfill_state.number_here(id)
  local is_read, backfill = pcall(cjson.decode, text or '')
  if not (is_read and type(backfill) == 'table' and backfill.job == job and tostring(backfill.id) == id) then
    fail_option('item', 'expected a backfill as JDUMP lists it, got other words')
  end
  backfill.id = number
  backfills.write(board, backfill)
  note_number(board, id)
  if score == 'inf' or (score or ''):find('^%d+$') then
    backfills.continue_at(board, number, score == 'inf' and math.huge or tonumber(score))
  end
end

function backfill_state.write_dues(board, _, values)
  local number = backfill_state.number_here(values[1])
  for i = 2, #values do
    if not values[i]:find('^%d+$') then fail_option('item', 'expected times in ms') end
  end
  redis.call('RPUSH', backfills.dues_key(board, number), unpack(values, 2))
end

return backfill_state
