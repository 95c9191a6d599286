local key = require('base.keys').key
local digits = require('base.numbers').digits
local lateness = require 'alert.lateness'
local packed_job = require 'job.packed_job'
local counters = require 'ledger.counters'
local history = require 'ledger.history'
local hours = require 'ledger.hours'
local runs = require 'ledger.runs'
local skip_reasons = require 'ledger.skip_reasons'

local skipped = {}

-- Record that an occurrence of a job has no run, and why. `due` is in ms, and `moment` what its task's id would have after
-- the @. The ledger counts it as due, too. `now` (ms) is nothing if a person wanted it so: no alert tells of that.
function skipped.record(board, id, due, moment, why, now)
  counters.add(board, 'due', 1)
  counters.add_for_job(board, id, 'skipped', 1)
  counters.add(board, skip_reasons.counter(why), 1)
  history.append(board, id .. '@' .. moment, 0, 'skipped', { 'count', 1, 'note', why })
  hours.add(board, 'skipped', 1, due)
  local packed = redis.call('HGET', key(board, 'job'), id)
  if not packed then return end  -- it is being removed
  local head, body = packed_job.unpack(packed)
  local through, own = digits(due), head and packed_job.own_history(head, body)
  local missed = { { what = 'skipped', job = id, due = through, through = through, n = 1, why = why, own = own } }
  runs.add_missed(board, missed)
  if now then lateness.note_missed(board, missed, now) end
end

return skipped
