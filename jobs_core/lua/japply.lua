#!lua
--[[ JAPPLY board begin [now time]
     JAPPLY board check stage id
     JAPPLY board commit stage owner [by who] [because text]
     JAPPLY board roll
     JAPPLY board drop stage
     JAPPLY board prepare stage name owner [by who] [because text] [now time]
     JAPPLY board pending [now time]
     JAPPLY board settle name commit|abort
     JAPPLY board close name
     JAPPLY board parents stage id [id …]

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

  A board of several partitions has a stage in each. They are committed everywhere or nowhere, under a name that the client makes
  up. First every partition prepares, {jobs.0} before the others: it then returns JOBS AGAIN until it is settled. What {jobs.0}
  settles holds for all, and is told to the others. Once they have been told, the commit is closed. Any client may go on with a
  commit whose client was lost: if {jobs.0} has committed this name, settle the others so; if it still waits for it, and has for
  2 seconds, abort it there; if it does neither, abort it.

    FCALL JAPPLY 1 {jobs.0} prepare 1-0 5f3a board.yml   returns how many jobs change
    FCALL JAPPLY 1 {jobs.0} pending
      1) "5f3a"                                       the name of what is prepared, or an empty text
      2) (integer) 80                                 for how many ms it has been waiting
      3) ""                                           the name of what this partition, {jobs.0}, has committed last
    FCALL JAPPLY 1 {jobs.0} settle 5f3a commit        returns OK; the same for a partition that waits for nothing, or another name
    FCALL JAPPLY 1 {jobs.0} close 5f3a                returns OK
    FCALL JAPPLY 1 {jobs.3} parents 1-0 report fetch  what each job will wait for; nothing for those that have been checked
      1) "fetch,clean"
      2) ""

  JAPPLY check sees one partition. So before calling it, a client follows `parents` over all partitions, once all changes are
  staged.

  Returns what the examples show.
  Errors: JOBS AGAIN; JOBS OPTION; JOBS STALE when the stage is gone, or the board was revised since it began: what runs
  after what, or a job that is staged, by hand or by another board file; or when {jobs.0} is to commit what was aborted.
--]]
local apply_state = require 'base.apply_state'
local arguments = require 'base.arguments'
local fail = require('base.errors').fail
local key = require('base.keys').key
local layout = require 'base.layout'
local digits = require('base.numbers').digits
local commit = require 'board.commit'
local roll_forward = require 'board.roll_forward'
local stages = require 'board.stages'
local dependencies = require 'define.dependencies'
local revision = require 'job.revision'
local changes = require 'ledger.changes'
local commits = require 'partition.commits'
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

local function parents(board, stage, args)
  stages.begun_at(board, stage)
  return stages.unchecked_parents(board, stage, { unpack(args, 3) })
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

local function commit_alone(board, stage, args)
  if layout.partition() then fail('OPTION', 'a partition commits with the others: see JAPPLY prepare') end
  apply_state.require_no_pending_apply(board)
  local owner = args[3] or ''
  stages.check_owner(owner)
  local author = changes.read_author(args, 4)
  commit.require_ready(board, stage)
  local staged = commit.seal(board, stage, owner, author)
  commit.enact(board, stage)
  return staged
end

local function prepare(board, stage, args)
  apply_state.require_no_pending_apply(board)
  return commits.prepare(board, stage, args)
end

local function roll(board)
  if apply_state.is_prepared(board) then
    fail('AGAIN', 'a board file is being applied to all partitions, and waits for the others: see JAPPLY pending')
  end
  return roll_forward.step(board)
end

local function drop(board, stage)
  stages.drop(board, stage)
  return redis.status_reply('OK')
end

local VERBS = {
  begin = begin, check = check, close = commits.close, commit = commit_alone, drop = drop, parents = parents,
  pending = commits.pending, prepare = prepare, roll = roll, settle = commits.settle,
}
local STAGE_VERBS = { check = true, commit = true, drop = true, parents = true, prepare = true }

return function(board, args)
  local verb, stage = args[1] or '', args[2] or ''
  if not VERBS[verb] then
    fail('OPTION', 'JAPPLY expects begin, check, close, commit, drop, parents, pending, prepare, roll or settle, got '
      .. "'" .. verb .. "'")
  end
  if STAGE_VERBS[verb] then stages.check(stage) end
  return VERBS[verb](board, stage, args)
end
