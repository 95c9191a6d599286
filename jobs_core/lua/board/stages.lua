-- A stage is named `<n>-<revision>`: its number on the board, and the revision of the board at which it began.
-- `{b}:stages` is the set of open stages. These keys start with `{b}:stage:<stage>`:
--
--   {b}:stage:<stage>            a list: the ids of changed jobs, and alert:<name> for changed alerts
--   {b}:stage:<stage>:jobs       a hash: for each, the packed arguments of its JSET or JALERT, or '' to remove it;
--                                under the empty id, when the stage began; in a sealed one, what
--                                board/roll_forward.lua says
--   {b}:stage:<stage>:alerts     a hash: for each changed alert, how many more the board has with it: 1, 0 or -1;
--                                under the empty name, the sum
--   {b}:stage:<stage>:parents    a hash: the new dependencies of each job whose dependencies change
--   {b}:stage:<stage>:unchecked  a set: the jobs still to be checked for cycles
--   {b}:stage:<stage>:clear      a set: the jobs found to have no cycle above them

local errors = require 'base.errors'
local key = require('base.keys').key
local dependencies = require 'define.dependencies'

local stages = {}

local EXPIRY = 3600  -- seconds after the last call
local PARTS = { '', ':jobs', ':alerts', ':parents', ':unchecked', ':clear' }

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

-- Return when a stage began, in ms.
function stages.begun_at(board, stage)
  local begun = tonumber(redis.call('HGET', stages.key(board, stage, ':jobs'), '') or '')
  if not begun then errors.fail('STALE', 'the stage no longer exists: begin again') end
  return begun
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

-- Return what each job will wait for once the stage is committed, as `a,b`: nothing if it has been checked.
function stages.unchecked_parents(board, stage, ids)
  local parents, unchecked = stages.key(board, stage, ':parents'), stages.key(board, stage, ':unchecked')
  local found = {}
  for i, id in ipairs(ids) do
    local staged = redis.call('HGET', parents, id)
    local is_checked = staged and redis.call('SISMEMBER', unchecked, id) == 0
    found[i] = is_checked and '' or staged or redis.call('HGET', key(board, 'parents'), id) or ''
  end
  return found
end

-- Stage a change under an id. Returns whether none was staged before.
local function add(board, stage, id, staged)
  local is_new = redis.call('HSET', stages.key(board, stage, ':jobs'), id, staged) == 1
  if is_new then redis.call('RPUSH', stages.key(board, stage, ''), id) end
  return is_new
end

-- Return how many more alerts the board will have.
function stages.more_alerts(board, stage)
  return tonumber(redis.call('HGET', stages.key(board, stage, ':alerts'), '') or '0')
end

-- Stage a change of an alert: its arguments, or '' to remove it. `more` is how many more alerts the board has with it.
function stages.write_alert(board, stage, name, staged, more)
  local counts = stages.key(board, stage, ':alerts')
  local before = tonumber(redis.call('HGET', counts, name) or '0')
  add(board, stage, 'alert:' .. name, staged)
  redis.call('HSET', counts, name, more)
  redis.call('HINCRBY', counts, '', more - before)
end

-- Stage a change of a job: its arguments, or '' to remove it. `head` is the new head, `old` the current one.
function stages.write(board, stage, id, staged, head, old)
  local is_new = add(board, stage, id, staged)
  if dependencies.ids(head) == dependencies.ids(old) and is_new then return end
  redis.call('HSET', stages.key(board, stage, ':parents'), id, dependencies.ids(head))
  redis.call(head and head.after and 'SADD' or 'SREM', stages.key(board, stage, ':unchecked'), id)
  redis.call('UNLINK', stages.key(board, stage, ':clear'))  -- the dependencies have changed, so earlier checks no longer hold
end

return stages
