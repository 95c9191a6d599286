-- Commits of a board file to all partitions of a board, or to none. Each has a name, which its client has made up. First, all
-- partitions prepare their stages, partition 0 before the others. What partition 0 then decides holds for all of them.
--
--   {b}:prepared   a hash: the `name` of the commit that waits for the decision, its `stage`, and the `time` (ms) when it began
--                  to wait. Until then, jobs are neither read nor changed.
--   {b}:committed  in partition 0: the name of the commit that it has decided to make, until all partitions have made it

local arguments = require 'base.arguments'
local errors = require 'base.errors'
local key = require('base.keys').key
local digits = require('base.numbers').digits
local layout = require 'base.layout'
local commit = require 'board.commit'
local stages = require 'board.stages'
local changes = require 'ledger.changes'
local instant = require 'time.instant'

local commits = {}

local DECISIONS = { commit = true, abort = true }

local function require_partition(board)
  if not layout.partition() then errors.fail('OPTION', 'the board ' .. board .. ' has no partitions: call JAPPLY commit') end
end

local function check_name(name)
  if not (name and name:find('^%w+$') and #name <= 64) then
    errors.fail_option('name', "expected 1 to 64 letters and digits, got '" .. (name or '') .. "'")
  end
  return name
end

local function committed(board)
  return redis.call('GET', key(board, 'committed'))
end

function commits.prepare(board, stage, args)
  require_partition(board)
  local name, owner = check_name(args[3]), args[4] or ''
  stages.check_owner(owner)
  local options = arguments.read_options(args, 5, { by = true, because = true, now = true })
  local author = changes.author(options)
  if committed(board) then errors.fail('STALE', 'another board file is being committed: begin again') end
  commit.require_ready(board, stage)
  local staged = commit.seal(board, stage, owner, author)
  redis.call('HSET', key(board, 'prepared'), 'name', name, 'stage', stage, 'time', digits(instant.now(options)))
  return staged
end

-- Return the name of the prepared commit, for how many ms it has been waiting, and the name of the commit that was decided.
function commits.pending(board, _, args)
  require_partition(board)
  local now = instant.now(arguments.read_options(args, 2, { now = true }))
  local name, time = unpack(redis.call('HMGET', key(board, 'prepared'), 'name', 'time'))
  return { name or '', name and math.max(0, now - tonumber(time)) or 0, committed(board) or '' }
end

local function decide(board, decision, name, stage)
  redis.call('DEL', key(board, 'prepared'))
  if decision == 'abort' then return stages.drop(board, stage) end
  if layout.partition() == 0 then redis.call('SET', key(board, 'committed'), name) end
  commit.enact(board, stage)
end

function commits.settle(board, _, args)
  require_partition(board)
  local name, decision = check_name(args[2]), args[3]
  if not DECISIONS[decision] then errors.fail_option('decision', "expected commit or abort, got '" .. (decision or '') .. "'") end
  local found, stage = unpack(redis.call('HMGET', key(board, 'prepared'), 'name', 'stage'))
  if found == name then
    decide(board, decision, name, stage)
  elseif decision == 'commit' and layout.partition() == 0 and committed(board) ~= name then
    errors.fail('STALE', 'the commit was aborted, since it took too long: begin again')
  end
  return redis.status_reply('OK')
end

function commits.close(board, _, args)
  require_partition(board)
  if committed(board) == check_name(args[2]) then redis.call('DEL', key(board, 'committed')) end
  return redis.status_reply('OK')
end

return commits
