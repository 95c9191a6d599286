--- @include "head"
--- @include "key"

-- `{b}:follow` has a note for each task that has ended and whose job others wait for, the oldest first: `ending time
-- last parent`. The script that leaves a note also works it off (see follow.lua), unless there is too much to do.

-- A task of the job `parent` has ended: `ending` is success, failure or cancelled.
local function note_ending(board, parent, ending, now)
  if redis.call('EXISTS', key(board, 'after:' .. parent)) == 0 then return end
  redis.call('RPUSH', key(board, 'follow'), table.concat({ ending, digits(now), '-', parent }, ' '))
end
