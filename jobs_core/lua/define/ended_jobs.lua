-- Jobs that have ended stay, unless the board's `expire-ended` says for how long: then `{b}:ended` sorts them by when they
-- ended, and ticks remove those whose time is over. What is listed there may have been put again since.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local removal = require 'define.removal'
local describe = require 'job.describe'
local packed_job = require 'job.packed_job'
local revision = require 'job.revision'
local retention = require 'ledger.retention'

local ended_jobs = {}

-- Note that jobs have left the schedule for good.
function ended_jobs.note(board, ids, now)
  if #ids == 0 or not retention.bound(board, 'expire-ended') then return end
  local members = {}
  for i, id in ipairs(ids) do members[2 * i - 1], members[2 * i] = digits(now), id end
  redis.call('ZADD', key(board, 'ended'), unpack(members))
end

local function has_ended(board, id)
  local packed = redis.call('HGET', key(board, 'job'), id)
  local head = packed and packed_job.unpack(packed)
  return head and describe.state(board, id, head, redis.call('ZSCORE', key(board, 'schedule'), id)) == 'ended'
end

-- Remove those whose time is over, up to `most`.
function ended_jobs.expire(board, now, most)
  if redis.call('EXISTS', key(board, 'ended')) == 0 then return end
  local age = retention.bound(board, 'expire-ended')
  if not age then return end
  local ids = redis.call('ZRANGE', key(board, 'ended'), '-inf', digits(now - age), 'BYSCORE', 'LIMIT', 0, most)
  for _, id in ipairs(ids) do
    redis.call('ZREM', key(board, 'ended'), id)
    if has_ended(board, id) then
      revision.bump_if_staged(board, id)
      redis.call('HDEL', key(board, 'owners'), id)
      removal.remove_job(board, id)
    end
  end
end

return ended_jobs
