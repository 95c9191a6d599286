#!lua
--[[ JAPPLY board begin [now time]
     JAPPLY board check stage id
     JAPPLY board commit stage owner [by who] [because text]
     JAPPLY board roll
     JAPPLY board drop stage

  Apply a board file as a whole: begin a stage, fill it with JSTAGE, check each of its jobs that runs after others, and
  commit. Committing is one small step, whatever the number of jobs. After it, JAPPLY roll puts the new jobs and alerts in place,
  a hundred per call. Until all are in place, ticking and reading or changing a job or an alert return JOBS AGAIN, and every
  client that receives it calls JAPPLY roll. A client that stops before the commit leaves the board as it was. Relative times,
  such as +10m, count from when the stage began. `by` and `because` say who changes the jobs, and why: see JCHANGES.

    FCALL JAPPLY 1 {jobs} begin                       returns the stage: 1-0
    FCALL JAPPLY 1 {jobs} check 1-0 report            fails if a job would wait for itself; returns OK
    FCALL JAPPLY 1 {jobs} commit 1-0 board.yml        returns how many jobs change
    FCALL JAPPLY 1 {jobs} roll                        returns how many are left; 0: all are in place
    FCALL JAPPLY 1 {jobs} drop 1-0                    give up; returns OK

  Checking parents before their children is faster.

  Returns what the examples show.
  Errors: JOBS AGAIN; JOBS OPTION; JOBS STALE when the stage is gone, or the board was revised since it began: what runs
  after what, or a job that is staged, by hand or by another board file.
--]]
local rules = require 'alert.rules'
local apply_state = require 'base.apply_state'
local arguments = require 'base.arguments'
local fail = require('base.errors').fail
local key = require('base.keys').key
local digits = require('base.numbers').digits
local roll_forward = require 'board.roll_forward'
local stages = require 'board.stages'
local dependencies = require 'define.dependencies'
local revision = require 'job.revision'
local changes = require 'ledger.changes'
local wake = require 'queue.wake'
local instant = require 'time.instant'

-- Return the dependencies as they will be after the commit. Jobs found to have no cycle above them are kept between
-- calls.
local function staged_graph(board, stage)
  local parents, clear = stages.key(board, stage, ':parents'), stages.key(board, stage, ':clear')
  local graph = dependencies.graph(board, function(id) return redis.call('HGET', parents, id) or nil end)
  graph.is_clear = function(id) return redis.call('SISMEMBER', clear, id) == 1 end
  graph.mark_clear = function(id) redis.call('SADD', clear, id) end
  return graph
end

local function begin(board, _, args)
  apply_state.require_no_pending_apply(board)
  local now = instant.now(arguments.read_options(args, 2, { now = true }))
  local stage = digits(redis.call('HINCRBY', key(board, 'stats'), 'stages', 1)) .. '-' .. revision.current(board)
  redis.call('HSET', stages.key(board, stage, ':jobs'), '', digits(now))
  stages.renew(board, stage)
  return stage
end

local function check(board, stage, args)
  stages.begun_at(board, stage)
  local id = args[3] or ''
  if dependencies.check_cycle(id, staged_graph(board, stage)) then
    redis.call('SREM', stages.key(board, stage, ':unchecked'), id)
  end
  stages.renew(board, stage)
  return redis.status_reply('OK')
end

local function require_ready(board, stage, ids, jobs)
  local staged = redis.call('LLEN', ids)
  if staged == 0 or staged ~= redis.call('HLEN', jobs) - 1 then
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

local function commit(board, stage, args)
  apply_state.require_no_pending_apply(board)
  local owner = args[3] or ''
  stages.check_owner(owner)
  local author = changes.read_author(args, 4)
  local ids, jobs = stages.key(board, stage, ''), stages.key(board, stage, ':jobs')
  require_ready(board, stage, ids, jobs)
  redis.call('HSET', jobs, '', cmsgpack.pack({ owner, stages.begun_at(board, stage), author.by, author.because }))
  redis.call('RENAME', ids, key(board, 'rolling'))
  redis.call('RENAME', jobs, key(board, 'rolling:jobs'))
  redis.call('PERSIST', key(board, 'rolling'))
  redis.call('PERSIST', key(board, 'rolling:jobs'))
  stages.drop(board, stage)
  revision.bump(board)
  wake.clock(board)
  return redis.call('LLEN', key(board, 'rolling'))
end

local function drop(board, stage)
  stages.drop(board, stage)
  return redis.status_reply('OK')
end

local VERBS = { begin = begin, check = check, commit = commit, roll = roll_forward.step, drop = drop }
local STAGE_VERBS = { check = true, commit = true, drop = true }

return function(board, args)
  local verb, stage = args[1] or '', args[2] or ''
  if not VERBS[verb] then fail('OPTION', "JAPPLY expects begin, check, commit, roll or drop, got '" .. verb .. "'") end
  if STAGE_VERBS[verb] then stages.check(stage) end
  return VERBS[verb](board, stage, args)
end
