-- `{b}:load` says which dump is or was loaded: its id, the number of its last item (`n`), `ended` once all is loaded, and
-- `changes` once the changes of the load itself are forgotten. Items are numbered in order, so that one that is sent twice is
-- written once.

local errors = require 'base.errors'
local key = require('base.keys').key
local digits = require('base.numbers').digits
local board_state = require 'dump.board_state'
local task_locations = require 'queue.task_locations'

local load_state = {}

function load_state.check_id(id)
  if not (id or ''):find('^[%w-]+$') or #id > 64 then
    errors.fail_option('dump', 'expected the id of a dump: up to 64 letters, digits and dashes')
  end
end

local function read(board)
  return unpack(redis.call('HMGET', key(board, 'load'), 'dump', 'n', 'ended'))
end

local function require_no_ledger(board)
  if board_state.has_counts(board) or task_locations.in_flight(board) > 0 then
    errors.fail('CONFLICT', 'the board has a ledger of its own, and a ledger is only loaded into a board that has none: '
      .. 'load the dump into a new board')
  end
end

-- Begin to load a dump, or go on with it. Returns the number of the last item that is loaded.
function load_state.begin(board, id)
  local dump, n, ended = read(board)
  if ended and dump == id then errors.fail('CONFLICT', 'this dump is loaded already') end
  if dump and dump ~= id and not ended then
    errors.fail('CONFLICT', 'another dump was only loaded in part: load that one again, or load this one into a new board')
  end
  if dump == id then return tonumber(n) end
  require_no_ledger(board)
  redis.call('HSET', key(board, 'load'), 'dump', id, 'n', 0)
  redis.call('HDEL', key(board, 'load'), 'ended', 'changes')
  return 0
end

-- Return the number of the last item that is loaded. Rejects a dump that is not being loaded.
function load_state.require_begun(board, id)
  local dump, n, ended = read(board)
  if dump ~= id or ended then errors.fail('CONFLICT', 'this dump is not being loaded: begin with JLOAD begin') end
  return tonumber(n)
end

function load_state.note(board, n)
  redis.call('HSET', key(board, 'load'), 'n', digits(n))
end

-- Return whether all of a dump is loaded.
function load_state.has_ended(board, id)
  local dump, _, ended = read(board)
  return dump == id and ended and true or false
end

function load_state.finish(board)
  redis.call('HSET', key(board, 'load'), 'ended', 1)
end

return load_state
