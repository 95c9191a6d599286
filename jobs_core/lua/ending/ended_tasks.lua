-- `{b}:follow` has an entry for each ended task whose job has dependents, oldest first: `ending time last parent`, LF,
-- and how it ended (see due/parent_endings.lua). The script that adds an entry also processes it, unless there is too much
-- to do. See due/dependents.lua.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local parent_endings = require 'due.parent_endings'
local records = require 'queue.records'

local ended_tasks = {}

-- Record that a task has ended: `ending` is done, dead or cancelled, and `fields` those of its event, if it has any.
function ended_tasks.record(board, id, ending, now, fields)
  local parent = records.job_of(id)
  if redis.call('EXISTS', key(board, 'after:' .. parent)) == 0 then return end
  redis.call('RPUSH', key(board, 'follow'), table.concat({ ending, digits(now), '-', parent }, ' ') .. '\n'
    .. parent_endings.describe(parent, id, ending, fields or {}))
end

return ended_tasks
