#!lua
--[[ JAPPLY board begin
     JAPPLY board check stage id [id …]
     JAPPLY board commit stage owner [now time]
     JAPPLY board roll
     JAPPLY board drop stage

  Apply a board file as a whole: begin a stage, fill it with JSTAGE, check those of its jobs that run after others, and
  commit. Committing is one small step, whatever the number of jobs; from then on the board is to be the new one, and is
  rolled forward by JAPPLY roll, a hundred jobs a call. Meanwhile ticking, and reading a job, is refused with JOBS AGAIN:
  whoever meets that rolls on. Whoever stops before the commit leaves the board as it was.

    EVALSHA <JAPPLY> 1 {jobs} begin                       answers the stage: 1-0
    EVALSHA <JAPPLY> 1 {jobs} check 1-0 report            refused if a job would wait for itself; answers OK
    EVALSHA <JAPPLY> 1 {jobs} commit 1-0 board.yml        answers how many jobs change
    EVALSHA <JAPPLY> 1 {jobs} roll                        answers how many are still to come; 0: all is in place
    EVALSHA <JAPPLY> 1 {jobs} drop 1-0                    give up; answers OK

  Answers what is said above.
  Errors: JOBS AGAIN; JOBS OPTION; JOBS STALE when the stage is gone, or the board was revised since it began (by
  another board file, or in what runs after what).
--]]
--- @include "command"
--- @include "after"
--- @include "instant"
--- @include "pairs"
--- @include "roll"
--- @include "settled"
--- @include "stage"

local function revision(board)
  return redis.call('HGET', key(board, 'stats'), 'revision') or '0'
end

-- The head of a job as the stage will leave it.
local function staged_head(ground, stage, id)
  local board = ground.board
  local _, jobs = stage_keys(board, stage)
  local staged = redis.call('HGET', jobs, id)
  if staged == '' then return nil end
  if staged then return read_put(ground, cmsgpack.unpack(staged), false).head end
  local packed = redis.call('HGET', key(board, 'job'), id)
  return packed and (unpack_job(packed))
end

local function check_cycles(board, stage)
  local ground = common_ground(board)
  for i = 3, #ARGV do
    local id = ARGV[i]
    local function head_of(parent) return staged_head(ground, stage, parent) end
    after.refuse_cycle(id, after.parents(head_of(id)), head_of)
  end
  return redis.status_reply('OK')
end

local function commit(board, stage)
  local owner = ARGV[3] or ''
  check_board_file(owner)
  local now = now_option(read_pairs(ARGV, 4, { now = true }))
  local ids, jobs = stage_keys(board, stage)
  if redis.call('EXISTS', ids) == 0 then fail('STALE', 'the stage is gone, or nothing was staged: begin again') end
  if stage:match('%d+$') ~= revision(board) then
    fail('STALE', 'the board was changed meanwhile, by a board file or what runs after what: begin again')
  end
  redis.call('RENAME', ids, key(board, 'rolling'))
  redis.call('RENAME', jobs, key(board, 'rolling:jobs'))
  redis.call('PERSIST', key(board, 'rolling'))
  redis.call('PERSIST', key(board, 'rolling:jobs'))
  redis.call('HSET', key(board, 'rolling:jobs'), '', cmsgpack.pack({ owner, now }))
  redis.call('HINCRBY', key(board, 'stats'), 'revision', 1)
  wake_clock(board)
  return redis.call('LLEN', key(board, 'rolling'))
end

local VERBS = {
  begin = function(board)
    refuse_unsettled(board)
    return digits(redis.call('HINCRBY', key(board, 'stats'), 'stages', 1)) .. '-' .. revision(board)
  end,
  check = check_cycles,
  commit = function(board, stage)
    refuse_unsettled(board)
    return commit(board, stage)
  end,
  roll = roll,
  drop = function(board, stage)
    redis.call('UNLINK', stage_keys(board, stage))
    return redis.status_reply('OK')
  end,
}
local STAGED = { check = true, commit = true, drop = true }

return command(function()
  local board, verb, stage = KEYS[1], ARGV[1] or '', ARGV[2] or ''
  if not VERBS[verb] then fail('OPTION', 'JAPPLY starts with begin, check, commit, roll or drop') end
  if STAGED[verb] then check_stage(stage) end
  return VERBS[verb](board, stage)
end)
