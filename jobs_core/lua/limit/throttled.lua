local key = require('base.keys').key
local capacity = require 'limit.capacity'
local lending = require 'limit.lending'
local limits = require 'limit.limits'
local waiters = require 'limit.waiters'
local bad_records = require 'queue.bad_records'
local lanes = require 'queue.lanes'
local queues = require 'queue.queues'
local records = require 'queue.records'

local throttled = {}

local MAX_TASKS = 100  -- tasks moved at once

-- Whether the limit of a queue is full.
local function is_closed(board, queue, now)
  local limit = limits.shared(board, 'queue:' .. queue)
  return limit ~= nil and capacity.is_full(capacity.measure(board, limit, now))
end

-- Pop up to `n` of the tasks held by a limit. Tasks of queues whose own limit is full come in addition, since they would
-- leave the room unused. Returns { lane, record } pairs, and how many of them count toward `n`.
local function pop_held(board, name, n, now)
  local found, closed, taken = {}, {}, 0
  while taken < n and #found < MAX_TASKS do
    local record = redis.call('LPOP', key(board, 'held:' .. name))
    if not record then break end
    local task = records.read(record)
    if task then
      local queue = lanes.split(task.lane)
      if closed[queue] == nil then closed[queue] = is_closed(board, queue, now) end
      if not closed[queue] then taken = taken + 1 end
      found[#found + 1] = { task.lane, record }
    else
      bad_records.set_aside(board, 'held', record)
    end
  end
  return found, taken
end

-- Move up to `n` of the tasks held by a limit to the front of their lanes, in order, or with `at_end` to the back.
-- Returns how many.
function throttled.admit(board, name, n, now, at_end)
  local found, taken = pop_held(board, name, n, now)
  if at_end then
    for _, pair in ipairs(found) do queues.put_back(board, pair[1], pair[2]) end
  else
    for i = #found, 1, -1 do queues.prepend(board, found[i][1], found[i][2]) end
  end
  if redis.call('EXISTS', key(board, 'held:' .. name)) == 0 then redis.call('SREM', key(board, 'held'), name) end
  return taken
end

-- Admit held tasks as far as a limit has room. Returns how many moved, and the limit.
function throttled.recheck(board, name, now, most)
  local first = waiters.first_held(board, name)
  if not first then return 0 end
  local limit = name:find('^job:') and limits.of_job(first) or limits.shared(board, name) or { name = name }
  capacity.measure(board, limit, now)
  local moved = throttled.admit(board, name, math.max(0, math.min(most, limit.slots, limit.starts)), now)
  lending.note_admitted(board, name, moved)
  limit.slots, limit.starts = limit.slots - moved, limit.starts - moved
  if redis.call('EXISTS', key(board, 'held:' .. name)) == 1 then
    capacity.reopen_later(board, limit)
    lending.request(board, name)
    if moved < most and not capacity.is_full(limit) then waiters.notify_worker(board, name) end
  end
  return moved, limit
end

return throttled
