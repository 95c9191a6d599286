-- What the endings of tasks lead to, in the same script: jobs after them, and more tasks of backfills.

local key = require('base.keys').key
local feeder = require 'backfill.feeder'
local dependents = require 'due.dependents'

local follow_ups = {}

-- Queue what the tasks that have ended let start. Usually there is nothing.
function follow_ups.queue(board)
  if redis.call('EXISTS', key(board, 'follow'), key(board, 'backfilling')) == 0 then return end
  dependents.queue_ready(board)
  feeder.continue_ready(board)
end

return follow_ups
