-- Cancels tasks that are leased.

local key = require('base.keys').key
local endings = require 'ending.endings'
local events = require 'ending.events'
local attempts = require 'queue.attempts'
local leases = require 'queue.leases'

local cancellation = {}

local INBOX_EXPIRY = 3600  -- seconds: the worker may be gone

-- Ask the worker that holds a token to stop.
local function request_stop(board, token, worker)
  redis.call('SADD', key(board, 'cancelling'), token)
  if worker ~= '-' then
    redis.call('RPUSH', key(board, 'inbox:' .. worker), token)
    redis.call('EXPIRE', key(board, 'inbox:' .. worker), INBOX_EXPIRY)
  end
end

-- Cancel the task leased under a token. It ends when its worker reports that. An accepted task has no worker to report,
-- so it ends at once. Returns the task if it has ended.
function cancellation.cancel_leased(board, token, now)
  local task = leases.find(board, token)
  if not task then return nil end
  local status, _, worker = attempts.current(task)
  if status ~= 'accepted' then return request_stop(board, token, worker) end
  endings.end_lease(board, token)
  endings.cancel(board, token, task, now)
  events.record(board, task, task.attempt, 'cancelled', {})
  return task
end

return cancellation
