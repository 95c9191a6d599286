-- When a limit has room again, `{b}:ready` gets its name, and JPOP admits the tasks that it holds.

local key = require('base.keys').key
local lending = require 'limit.lending'
local limits = require 'limit.limits'
local waiters = require 'limit.waiters'

local release = {}

-- Release the room that a task occupied under its limits, because it ended or left its lane before it started. If it
-- returns to the front of its lane, wake nobody. Only a task that never started frees its part of a rate.
function release.free_slot(board, task, token, is_requeued)
  for _, limit in ipairs(limits.of_task(board, task, redis.call('EXISTS', key(board, 'limits')) == 1)) do
    if limit.concurrency and token then
      redis.call('SREM', key(board, 'running:' .. limit.name), token)
      lending.settle(board, limit.name)
    end
    if (limit.concurrency or not token) and not is_requeued then waiters.notify(board, limit.name) end
  end
end

return release
