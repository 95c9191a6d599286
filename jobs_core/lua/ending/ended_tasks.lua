-- `{b}:follow` has a note for each task that has ended and whose job others wait for, the oldest first: `ending time
-- last parent`. The script that leaves a note also works it off (see due/dependents.lua), unless there is too much to do.

local key = require('base.keys').key
local digits = require('base.numbers').digits

local ended_tasks = {}

-- A task of the job `parent` has ended: `ending` is done, dead or cancelled.
function ended_tasks.record(board, parent, ending, now)
  if redis.call('EXISTS', key(board, 'after:' .. parent)) == 0 then return end
  redis.call('RPUSH', key(board, 'follow'), table.concat({ ending, digits(now), '-', parent }, ' '))
end

return ended_tasks
