-- What a dump has besides jobs and alerts consists of items, lists of words: what it is, the id of the job or task that it
-- belongs to (empty for the board), and its values. JDUMP lists what there is, and `dump/` reads and writes each in one file:
-- board_state, job_state, task_state, streams and backfill_state.

local cursors = require 'base.cursors'

local items = {}

local SIZE, BYTES = 200, 262144  -- items of a page, and about its bytes
local FIRST = 10  -- members of the first read of a page, which tells how large they are

local function size_of(item)
  local size = 0
  for i = 1, #item do size = size + #item[i] end
  return size
end

-- Read a page from a position on. `read(position, n)` returns an item for each of up to `n` members, empty if that is left out,
-- and fewer only at the end. Returns the items, and the next position; nothing at the end.
function items.page(position, read)
  local found, bytes, n, first = {}, 1, FIRST, position
  while true do
    local more = read(position, n)
    position = position + #more
    for _, item in ipairs(more) do
      if #item > 0 then found[#found + 1] = item end
      bytes = bytes + size_of(item)
    end
    if #more < n then return found, nil end
    if bytes >= BYTES or position - first >= SIZE then return found, position end
    local fitting = math.floor((BYTES - bytes) * (position - first) / bytes)
    n = math.max(1, math.min(SIZE - (position - first), fitting))
  end
end

-- Read the cursor of a page whose position is a number.
function items.position(cursor)
  if not cursors.is_offset(cursor) then cursors.reject('cursor', cursor) end
  return tonumber(cursor)
end

-- Read what belongs to each of some ids, from a cursor on: the place of an id, and a position within what it has.
-- `read(id, position)` returns items and the next position, 0 at first, or nothing at the end. Returns the items and the next
-- cursor.
function items.of_each(ids, cursor, read)
  local at, position = cursor:match('^(%d+) (%S+)$')
  if cursor == '0' then at, position = '1', '0' end
  at = at and #at < 10 and tonumber(at)
  if not at then cursors.reject('cursor', cursor) end
  local found, bytes = {}, 0
  while ids[at] do
    local more, following = read(ids[at], position)
    for _, item in ipairs(more) do
      found[#found + 1], bytes = item, bytes + size_of(item)
    end
    if not following then at = at + 1 end
    position = following or '0'
    if ids[at] and (bytes >= BYTES or #found >= SIZE) then return found, at .. ' ' .. position end
  end
  return found, '0'
end

return items
