-- A stage (see board/stages.lua) is compared with one revision of the board, and can only be committed to that revision.
-- A change of dependencies, or of a staged job, makes a new revision.

local key = require('base.keys').key

local revision = {}

function revision.current(board)
  return redis.call('HGET', key(board, 'stats'), 'revision') or '0'
end

function revision.bump(board)
  redis.call('HINCRBY', key(board, 'stats'), 'revision', 1)
end

-- Make a new revision if a job that is put or removed is in a stage.
function revision.bump_if_staged(board, id)
  for _, stage in ipairs(redis.call('SMEMBERS', key(board, 'stages'))) do
    local jobs = key(board, 'stage:' .. stage .. ':jobs')
    if redis.call('HEXISTS', jobs, id) == 1 then return revision.bump(board) end
    if redis.call('EXISTS', jobs) == 0 then redis.call('SREM', key(board, 'stages'), stage) end
  end
end

return revision
