local apply_state = require 'base.apply_state'
local fail = require('base.errors').fail
local key = require('base.keys').key
local board_name = require('base.partition').board_name
local packed_job = require 'job.packed_job'

local lookup = {}

function lookup.no_job(board, id)
  return "there is no job '" .. id .. "' on the board '" .. board_name(board) .. "'"
end

-- Return the head and body of a job, or fail if it does not exist.
function lookup.require_job(board, id)
  apply_state.require_no_pending_apply(board)
  local packed = redis.call('HGET', key(board, 'job'), id)
  if not packed then fail('NOTFOUND', lookup.no_job(board, id)) end
  local head, body = packed_job.unpack(packed)
  if not (head and packed_job.read_options(body)) then
    fail('FAULT', "the job '" .. id .. "' cannot be read: put it again, or run `jobs doctor`")
  end
  return head, body
end

return lookup
