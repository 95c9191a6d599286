-- A stage is `<n>-<revision>`: the nth of the board, begun at a revision of it. Its keys start with `{b}:stage:<stage>`:
-- that list has the ids it changes; `:jobs` what each is to be, the packed arguments of its JSET, or nothing to remove it,
-- and under the empty id when the stage was begun; `:parents` what those wait for of whom that changes; `:unchecked` those
-- that are to be checked for cycles, and `:clear` those that were. `{b}:stages` names the stages that are being made.

local errors = require 'base.errors'
local key = require('base.keys').key
local dependencies = require 'define.dependencies'

local stages = {}

local EXPIRY = 3600  -- seconds that a stage is kept which nobody adds to
local PARTS = { '', ':jobs', ':parents', ':unchecked', ':clear' }

function stages.check(stage)
  if not stage:match('^%d+%-%d+$') then
    errors.fail_option('stage', "expected what JAPPLY begin returned, such as 1-0, got '" .. stage .. "'")
  end
end

function stages.check_owner(owner)
  if owner == '' or #owner > 1024 or owner:find('%c') then
    errors.fail_option('owner', 'expected 1 to 1024 bytes without control characters')
  end
end

function stages.key(board, stage, part)
  return key(board, 'stage:' .. stage .. part)
end

-- Returns when a stage was begun, in ms.
function stages.begun_at(board, stage)
  local begun = redis.call('HGET', stages.key(board, stage, ':jobs'), '')
  if not begun then errors.fail('STALE', 'the stage no longer exists: begin again') end
  return tonumber(begun)
end

function stages.renew(board, stage)
  for _, part in ipairs(PARTS) do redis.call('EXPIRE', stages.key(board, stage, part), EXPIRY) end
  redis.call('SADD', key(board, 'stages'), stage)
  redis.call('EXPIRE', key(board, 'stages'), EXPIRY)
end

function stages.drop(board, stage)
  for _, part in ipairs(PARTS) do redis.call('UNLINK', stages.key(board, stage, part)) end
  redis.call('SREM', key(board, 'stages'), stage)
end

-- Stage what becomes of a job: its arguments, or '' to remove it. `head` is what it will be, `old` what it is.
function stages.write(board, stage, id, staged, head, old)
  local is_new = redis.call('HSET', stages.key(board, stage, ':jobs'), id, staged) == 1
  if is_new then redis.call('RPUSH', stages.key(board, stage, ''), id) end
  if dependencies.ids(head) == dependencies.ids(old) and is_new then return end
  redis.call('HSET', stages.key(board, stage, ':parents'), id, dependencies.ids(head))
  redis.call(head and head.after and 'SADD' or 'SREM', stages.key(board, stage, ':unchecked'), id)
  redis.call('UNLINK', stages.key(board, stage, ':clear'))  -- what was above others may not be so any more
end

return stages
