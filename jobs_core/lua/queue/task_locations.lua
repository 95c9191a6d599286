-- Where tasks are. A place is the name of a key: leased, delayed or dead (sorted sets of tickets), held:<limit> or
-- queue:<lane> (lists of records).

local cursors = require 'base.cursors'
local key = require('base.keys').key
local digits = require('base.numbers').digits

local task_locations = {}

task_locations.SETS = { leased = true, delayed = true, dead = true }

local function prefixed_names(board, set, prefix)
  local names = redis.call('SMEMBERS', key(board, set))
  for i, name in ipairs(names) do names[i] = prefix .. name end
  return names
end

function task_locations.lanes_in_use(board)
  return prefixed_names(board, 'queues', 'queue:')
end

function task_locations.held_lists(board)
  return prefixed_names(board, 'held', 'held:')
end

function task_locations.size(board, place)
  return redis.call(task_locations.SETS[place] and 'ZCARD' or 'LLEN', key(board, place))
end

function task_locations.total_size(board, places)
  local n = 0
  for _, place in ipairs(places) do n = n + task_locations.size(board, place) end
  return n
end

-- Return how many tasks are queued and have not ended.
function task_locations.in_flight(board)
  return task_locations.total_size(board, task_locations.lanes_in_use(board))
    + task_locations.total_size(board, task_locations.held_lists(board))
    + task_locations.total_size(board, { 'leased', 'delayed' })
end

-- Return the places of tasks in these states, in a fixed order.
function task_locations.of_states(board, states)
  local found = {}
  local function add(names)
    table.sort(names)
    for _, name in ipairs(names) do found[#found + 1] = name end
  end
  for _, state in ipairs(states) do
    if state == 'queued' then
      add(task_locations.lanes_in_use(board))
    elseif state == 'held' then
      add(task_locations.held_lists(board))
    else
      add({ state })
    end
  end
  return found
end

-- Read a page of a sorted set. Returns tickets and the next position, or no position at the end.
local function scan_set(name, position)
  local page = redis.call('ZSCAN', name, position, 'COUNT', 25)
  local tickets = {}
  for i = 1, #page[2], 2 do tickets[#tickets + 1] = page[2][i] end
  return tickets, page[1] ~= '0' and page[1] or nil
end

-- Read a page of a list. It starts at the tail, so that tasks taken from the head meanwhile do not shift the position.
local function scan_list(name, position)
  local records = redis.call('LRANGE', name, -position - 25, -position - 1)
  return records, #records == 25 and digits(position + 25) or nil
end

-- Return the place and the position of a cursor, or nothing at the beginning.
local function read_cursor(cursor)
  if cursor == '0' then return nil end
  local place, position = cursor:match('^(%S+) (%d+)$')
  local is_set = task_locations.SETS[place or '']
  local is_list = place and (place:find('^queue:.') or place:find('^held:.'))
  if is_set and cursors.is_scan(position) or is_list and cursors.is_offset(position) then return place, position end
  cursors.reject('cursor', cursor)
end

-- Return the index to continue from, and whether that place still exists. If a queue is gone, it is empty, and the next
-- one follows. If a held list is gone, its tasks may be anywhere, so start again.
local function find_position(names, from)
  local following
  for at, name in ipairs(names) do
    if name == from then return at, true end
    if name:find('^queue:') and from:find('^queue:') and (name < from or not following) then
      following = name < from and at + 1 or at
    end
  end
  return following or 1, false
end

-- Scan the tasks at some places, a page at a time. `visit(place, ticket or record)` returns how much of `budget` it used,
-- and whether it removed the task. Returns the next cursor, or 0 at the end.
function task_locations.scan(board, names, cursor, budget, visit)
  local from, position = read_cursor(cursor)
  local at, is_there = find_position(names, from or '')
  if not is_there then position = '0' end
  while names[at] do
    local step = task_locations.SETS[names[at]] and scan_set or scan_list
    local members, following = step(key(board, names[at]), position)
    for _, member in ipairs(members) do
      local cost, removed = visit(names[at], member)
      budget = budget - cost
      if removed and following and not task_locations.SETS[names[at]] then following = following - 1 end
    end
    if not following then at = at + 1 end
    position = following or '0'
    if budget <= 0 and names[at] then return names[at] .. ' ' .. position end
  end
  return '0'
end

return task_locations
