-- `{b}:follow` has an entry for each ended task whose job has dependents, oldest first: `ending time last parent`, LF,
-- and how it ended (see due/parent_endings.lua). `last` is where to go on: `-` at the first child, `>` at the first other
-- partition that has children. The script that adds an entry also processes it, unless there is too much
-- to do. See due/dependents.lua.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local parent_endings = require 'due.parent_endings'
local links = require 'partition.links'
local records = require 'queue.records'

local ended_tasks = {}

-- Record that a task has ended: `ending` is done, dead or cancelled, and `fields` those of its event, if it has any.
function ended_tasks.record(board, id, ending, now, fields)
  local parent = records.job_of(id)
  local is_elsewhere = links.any(board, { parent })
  if not is_elsewhere and redis.call('EXISTS', key(board, 'after:' .. parent)) == 0 then return end
  local last = is_elsewhere and '>' or '-'
  redis.call('RPUSH', key(board, 'follow'), table.concat({ ending, digits(now), last, parent }, ' ') .. '\n'
    .. parent_endings.describe(parent, id, ending, fields or {}))
end

return ended_tasks
