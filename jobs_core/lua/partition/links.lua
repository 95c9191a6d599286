-- Jobs that wait for jobs of other partitions. Their own partition keeps what it keeps of any parent: see
-- define/dependencies.lua. The parent's partition only knows which partitions have such jobs: `{b}:after-in` maps a parent to
-- their numbers, as in `1,4`. A partition says so when the first of its jobs waits for a parent elsewhere (link), and when the
-- last one no longer does (unlink). A number too many does no harm, see due/dependents.lua.
--
-- `{b}:relink` has the partitions that are told all links again, and the `cursor` in `{b}:parents`: see partition/recovery.lua.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local partition = require 'base.partition'
local outbox = require 'partition.outbox'

local links = {}

local MAX_WORDS = 100  -- parents in a message
local MAX_ROWS = 50  -- jobs whose links one tick tells again

-- Tell the partitions of these parents: `kind` is link or unlink. Parents of this partition are left out.
function links.tell(board, kind, parents)
  local lists = {}
  for _, parent in ipairs(parents) do
    local place = partition.elsewhere(parent)
    if place then
      lists[place] = lists[place] or {}
      table.insert(lists[place], parent)
    end
  end
  for place, list in pairs(lists) do
    for i = 1, #list, MAX_WORDS do
      outbox.send(board, place, kind, unpack(list, i, math.min(i + MAX_WORDS - 1, #list)))
    end
  end
end

-- Whether other partitions have jobs that wait for one of these.
function links.any(board, parents)
  if not partition.current() then return false end
  for _, found in ipairs(redis.call('HMGET', key(board, 'after-in'), unpack(parents))) do
    if found then return true end
  end
  return false
end

-- Return the numbers of the other partitions with jobs that wait for this one.
function links.partitions(board, parent)
  local stored, found = partition.current() and redis.call('HGET', key(board, 'after-in'), parent) or '', {}
  for number in stored:gmatch('%d+') do found[#found + 1] = tonumber(number) end
  return found
end

local function note(board, source, parents, has_jobs)
  for _, parent in ipairs(parents) do
    local numbers = has_jobs and { source } or {}
    for _, number in ipairs(links.partitions(board, parent)) do
      if number ~= source then numbers[#numbers + 1] = number end
    end
    table.sort(numbers)
    if #numbers > 0 then
      redis.call('HSET', key(board, 'after-in'), parent, table.concat(numbers, ','))
    else
      redis.call('HDEL', key(board, 'after-in'), parent)
    end
  end
  return #parents
end

-- Handle a message: the partition has jobs that wait for these.
function links.add(board, source, ...)
  return note(board, source, { ... }, true)
end

-- Handle a message: the partition has no more jobs that wait for these.
function links.remove(board, source, ...)
  return note(board, source, { ... }, false)
end

-- Tell a partition all links again. Ticks do it, some per tick.
function links.resync(board, other)
  redis.call('HSET', key(board, 'relink'), digits(other), 1)
  redis.call('HDEL', key(board, 'relink'), 'cursor')
end

-- Tell some of the links again, if partitions need it.
function links.continue(board)
  local flat, wanted = redis.call('HGETALL', key(board, 'relink')), {}
  if #flat == 0 then return end
  for i = 1, #flat, 2 do wanted[flat[i]] = flat[i + 1] end
  local page = redis.call('HSCAN', key(board, 'parents'), wanted.cursor or '0', 'COUNT', MAX_ROWS)
  local found, seen = {}, {}
  for i = 2, #page[2], 2 do
    for parent in page[2][i]:gmatch('[^,]+') do
      local place = not seen[parent] and partition.elsewhere(parent)
      if place and wanted[digits(place)] then found[#found + 1] = parent end
      seen[parent] = true
    end
  end
  links.tell(board, 'link', found)
  if page[1] == '0' then
    redis.call('DEL', key(board, 'relink'))
  else
    redis.call('HSET', key(board, 'relink'), 'cursor', page[1])
  end
end

return links
