-- What a dump has of the board as a whole: its counters, its hours and its gaps. What is loaded is added to what is there. The
-- counters leave out the tasks that the dump has: each of them counts again where it is loaded, which may be another partition.

local fail_option = require('base.errors').fail_option
local key = require('base.keys').key
local digits = require('base.numbers').digits
local board_counters = require 'ledger.board_counters'
local gaps = require 'ledger.gaps'
local task_locations = require 'queue.task_locations'
local skip_reasons = require 'ledger.skip_reasons'

local board_state = {}

local function counter_names()
  local names = {}
  for _, name in ipairs(board_counters.SHOWN) do
    if not board_counters.COUNTED[name] then names[#names + 1] = name end
  end
  names[#names + 1] = board_counters.FOLLOWED
  for _, why in ipairs(skip_reasons.ALL) do names[#names + 1] = skip_reasons.counter(why) end
  return names
end

-- Return how often a counter counts the tasks that the dump has.
local function counts_of_tasks(board)
  local dead = task_locations.size(board, 'dead')
  local all = task_locations.in_flight(board) + dead
  return { due = all, queued = all, dead = dead }
end

-- Return the counters that are not 0, without what `tasks` says: name, value, name, value …
local function read_counts(board, tasks)
  local names, found = counter_names(), {}
  for i, text in ipairs(redis.call('HMGET', key(board, 'stats'), unpack(names))) do
    local value = (tonumber(text or nil) or 0) - (tasks[names[i]] or 0)
    if value ~= 0 then found[#found + 1], found[#found + 2] = names[i], digits(value) end
  end
  return found
end

-- Return whether the board has counted anything.
function board_state.has_counts(board)
  return #read_counts(board, {}) > 0
end

-- Count a task that is loaded.
function board_state.count_task(board, is_dead)
  for _, name in ipairs({ 'due', 'queued', is_dead and 'dead' or nil }) do
    redis.call('HINCRBY', key(board, 'stats'), name, 1)
  end
end

local function one_item(what, values)
  if #values == 0 then return {} end
  return { { what, '', unpack(values) } }
end

function board_state.counts(board)
  return one_item('counts', read_counts(board, counts_of_tasks(board)))
end

function board_state.hours(board)
  return one_item('hours', redis.call('HGETALL', key(board, 'hours')))
end

function board_state.gaps(board)
  return one_item('gaps', redis.call('LRANGE', key(board, 'gaps'), 0, -1))
end

-- Add numbers to those of a hash. `is_name(name)` says which there may be.
local function add_numbers(board, hash, values, is_name)
  for i = 1, #values, 2 do
    if not (is_name(values[i]) and (values[i + 1] or ''):find('^-?%d+$')) then
      fail_option('item', 'expected names and numbers, got others')
    end
  end
  for i = 1, #values, 2 do redis.call('HINCRBY', key(board, hash), values[i], values[i + 1]) end
end

function board_state.add_counts(board, _, values)
  local known = {}
  for _, name in ipairs(counter_names()) do known[name] = true end
  add_numbers(board, 'stats', values, function(name) return known[name] end)
end

function board_state.add_hours(board, _, values)
  add_numbers(board, 'hours', values, function(name) return name:find('^%d+ %l+$') end)
end

function board_state.add_gaps(board, _, values)
  for _, entry in ipairs(values) do
    if not entry:find('^%l+ %d+ %d+$') then fail_option('item', 'expected gaps, got others') end
  end
  gaps.add_all(board, values)
end

return board_state
