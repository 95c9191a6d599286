-- The index of labels. `{b}:labels:<name>=<value>` is a sorted set of the jobs that have a label, all with the score 0, so
-- that it is sorted by id. `{b}:labels` has the number of jobs for each label in use. Whatever stores or removes a job tells
-- this module which body replaces which.

local key = require('base.keys').key
local packed_job = require 'job.packed_job'

local labels = {}

local NONE = {}
local MAX_CHANGES = 1000  -- entries of the index before they are written

function labels.index(board, label)
  return key(board, 'labels:' .. label)
end

-- Return the labels of a body. Most jobs have none, which is seen without reading the options.
function labels.of_body(body)
  if not body or body:byte() == 10 or not body:find('"label":[', 1, true) then return NONE end  -- 10: LF, no options
  local options = packed_job.read_options(body)
  return options and type(options.label) == 'table' and options.label or NONE
end

-- The changes of the index in one call, in `by_label`: for each label the ids that get it (true) or lose it (false).
function labels.new_changes(board)
  return { board = board, by_label = {}, size = 0 }
end

local function note(changes, id, list, is_member)
  for _, label in ipairs(list) do
    local ids = changes.by_label[label] or {}
    changes.by_label[label], ids[id] = ids, is_member
    changes.size = changes.size + 1
  end
end

-- Note that a job's body replaces another. Either may be nil.
function labels.note(changes, id, body, old_body)
  local new, old = labels.of_body(body), labels.of_body(old_body)
  if new == old then return end  -- neither has labels
  note(changes, id, old, false)
  note(changes, id, new, true)
  if changes.size >= MAX_CHANGES then labels.write(changes) end
end

local function write_label(board, label, ids)
  local index, added, removed = labels.index(board, label), {}, {}
  for id, is_member in pairs(ids) do
    if is_member then
      added[#added + 1], added[#added + 2] = 0, id
    else
      removed[#removed + 1] = id
    end
  end
  if #added > 0 then redis.call('ZADD', index, unpack(added)) end
  if #removed > 0 then redis.call('ZREM', index, unpack(removed)) end
  local size = redis.call('ZCARD', index)
  if size > 0 then
    redis.call('HSET', key(board, 'labels'), label, size)
  else
    redis.call('HDEL', key(board, 'labels'), label)
  end
end

-- Write the changes to Redis.
function labels.write(changes)
  if changes.size == 0 then return end
  for label, ids in pairs(changes.by_label) do write_label(changes.board, label, ids) end
  changes.by_label, changes.size = {}, 0
end

-- Take a removed job out of the index.
function labels.remove(board, id, body)
  local changes = labels.new_changes(board)
  labels.note(changes, id, nil, body)
  labels.write(changes)
end

return labels
