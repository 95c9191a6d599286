local key = require('base.keys').key
local incidents = require 'alert.incidents'
local backfills = require 'backfill.backfills'
local dependencies = require 'define.dependencies'
local labels = require 'define.labels'
local pauses = require 'define.pauses'
local waiting = require 'due.waiting'
local tails = require 'ending.tails'
local packed_job = require 'job.packed_job'
local changes = require 'ledger.changes'
local job_counters = require 'ledger.job_counters'
local runs = require 'ledger.runs'

local removal = {}

-- Add a job that is removed to a list of changes.
local function note_change(board, changed, id, head, body)
  if not head then return changes.add_id(changed, id) end
  changes.add(changed, id, { head, body, tonumber(redis.call('ZSCORE', key(board, 'schedule'), id) or nil) })
end

-- Remove a job and everything stored for it except its tasks, and add it to a list of changes if there is one. Returns
-- whether the job existed.
function removal.remove_job(board, id, changed)
  local packed = redis.call('HGET', key(board, 'job'), id)
  if not packed then return false end
  local head, body = packed_job.unpack(packed)
  if changed then note_change(board, changed, id, head, body) end
  dependencies.link(board, id, nil, head)
  pauses.set_timer(board, id, nil, head)
  labels.remove(board, id, body)
  redis.call('HDEL', key(board, 'job'), id)
  redis.call('ZREM', key(board, 'schedule'), id)
  if dependencies.has_time(head) then waiting.skip(board, id, 'removed') end
  redis.call('DEL', key(board, 'open:' .. id), key(board, 'met:' .. id), key(board, 'endings:' .. id))
  job_counters.remove(board, id)
  tails.remove_of_job(board, id)
  backfills.note_removed(board, id)
  runs.remove(board, id)
  incidents.forget_job(board, id)
  return true
end

return removal
