--- @include "fail"
--- @include "key"

-- A stage is `<n>-<revision>`: the nth of the board, begun at a revision of it. `{b}:stage:<stage>` lists the ids it
-- changes, `{b}:stage:<stage>:jobs` has what each is to be: the packed arguments of its JSET, or nothing to remove it.

local KEPT = 3600  -- seconds that a stage is kept which nobody adds to

local function check_stage(stage)
  if not stage:match('^%d+%-%d+$') then fail('OPTION', "'" .. stage .. "' is not a stage: JAPPLY begin answers one") end
end

local function check_board_file(owner)
  if owner == '' or #owner > 1024 or owner:find('%c') then
    fail('OPTION', "a board file's name is 1 to 1024 bytes with no control characters")
  end
end

local function stage_keys(board, stage)
  return key(board, 'stage:' .. stage), key(board, 'stage:' .. stage .. ':jobs')
end

local function write_staged(board, stage, id, staged)
  local ids, jobs = stage_keys(board, stage)
  redis.call('RPUSH', ids, id)
  redis.call('HSET', jobs, id, staged)
  redis.call('EXPIRE', ids, KEPT)
  redis.call('EXPIRE', jobs, KEPT)
end
