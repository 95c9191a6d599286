-- Recompute the next run of jobs after a change of time zone data or of Redis's clock.

local key = require('base.keys').key
local next_run = require 'define.next_run'
local job_store = require 'define.job_store'
local packed_job = require 'job.packed_job'

local realign = {}

-- Recompute one job: its first run after now, unless it is already due. `should_move` decides from the head, the current
-- run and the new one.
local function realign_job(board, store, id, packed, now, cache, should_move)
  local head, body = packed_job.unpack(packed)
  local due = head and (head.paused and head.paused_next or not head.paused and job_store.due(store, id))
  if not due or due <= now then return end
  local found = next_run.first(head, now + 1, cache, id)
  if not should_move(head, due, found) then return end
  if head.paused then
    head.paused_next = found
    return redis.call('HSET', key(board, 'job'), id, packed_job.pack(head, body))
  end
  job_store.put(store, id, packed, found)
end

-- Recompute a page of jobs from a cursor on. Returns the next cursor, 0 at the end.
function realign.page(board, cursor, size, now, cache, should_move)
  local store = job_store.new(board)
  local page = redis.call('HSCAN', key(board, 'job'), cursor, 'COUNT', size)
  for i = 1, #page[2], 2 do realign_job(board, store, page[2][i], page[2][i + 1], now, cache, should_move) end
  job_store.write(store)
  return page[1]
end

return realign
