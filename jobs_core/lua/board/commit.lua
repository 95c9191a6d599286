-- Committing a stage (see board/stages.lua): a small step, whatever the number of changes. Afterwards, board/roll_forward.lua
-- puts them in place.

local rules = require 'alert.rules'
local fail = require('base.errors').fail
local key = require('base.keys').key
local layout = require 'base.layout'
local stages = require 'board.stages'
local revision = require 'job.revision'
local wake = require 'queue.wake'

local commit = {}

-- Reject a stage that is incomplete, or that does not fit the board any more. In a partition it may be empty.
function commit.require_ready(board, stage)
  local staged = redis.call('LLEN', stages.key(board, stage, ''))
  local is_whole = staged == redis.call('HLEN', stages.key(board, stage, ':jobs')) - 1
  if not is_whole or staged == 0 and not layout.partition() then
    fail('STALE', 'the stage no longer exists or is empty: begin again')
  end
  if stage:match('%d+$') ~= revision.current(board) then
    fail('STALE', 'the board has changed since the stage began: begin again')
  end
  local more = stages.more_alerts(board, stage)
  if more > 0 and redis.call('HLEN', key(board, 'alerts')) + more > rules.MOST then
    fail('STALE', 'the board has more alerts than when the stage began: begin again')
  end
  if redis.call('EXISTS', stages.key(board, stage, ':unchecked')) == 1 then
    fail('OPTION', 'the stage has unchecked jobs: call JAPPLY check for each job with `after`')
  end
end

-- Keep a stage from changing and from expiring. Returns how many changes it has.
function commit.seal(board, stage, owner, author)
  local ids, jobs = stages.key(board, stage, ''), stages.key(board, stage, ':jobs')
  redis.call('HSET', jobs, '', cmsgpack.pack({ owner, stages.begun_at(board, stage), author.by, author.because }))
  redis.call('PERSIST', ids)
  redis.call('PERSIST', jobs)
  return redis.call('LLEN', ids)
end

-- Commit a sealed stage.
function commit.enact(board, stage)
  local ids = stages.key(board, stage, '')
  if redis.call('EXISTS', ids) == 1 then
    redis.call('RENAME', ids, key(board, 'rolling'))
    redis.call('RENAME', stages.key(board, stage, ':jobs'), key(board, 'rolling:jobs'))
    revision.bump(board)
    wake.clock(board)
  end
  stages.drop(board, stage)
end

return commit
