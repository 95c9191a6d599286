-- `{b}:follow` has an entry for each ended task whose job has dependents, oldest first: `ending time last parent`. The
-- script that adds an entry also processes it, unless there is too much to do. See due/dependents.lua.

local key = require('base.keys').key
local digits = require('base.numbers').digits

local ended_tasks = {}

-- Record that a task of the job `parent` has ended: `ending` is done, dead or cancelled.
function ended_tasks.record(board, parent, ending, now)
  if redis.call('EXISTS', key(board, 'after:' .. parent)) == 0 then return end
  redis.call('RPUSH', key(board, 'follow'), table.concat({ ending, digits(now), '-', parent }, ' '))
end

return ended_tasks
