--- @include "command"
--- @include "history"
--- @include "put"
--- @include "remove_job"
--- @include "settled"

-- Roll a committed board file forward: put and remove its jobs, some at a time.
local roll
do
  local MANY, BYTES = 100, 1048576  -- jobs, and bytes of them, that one call puts

  -- It was checked when it was staged; but what it stands on, such as the zones, may have changed since.
  local function put_staged(ground, id, args, owner)
    local board = ground.board
    local reply = command(function() return write_put(board, read_put(ground, args, false)) end)
    if type(reply) == 'table' then
      remember(board, id .. '@' .. digits(ground.now), 0, 'refused', { 'note', (reply.err:gsub('^JOBS %u+ ', '')) })
    else
      redis.call('HSET', key(board, 'owners'), id, owner)
    end
  end

  local function take_effect(ground, id, staged, owner)
    if staged == '' then
      remove_job(ground.board, id)
      redis.call('HDEL', key(ground.board, 'owners'), id)
    else
      put_staged(ground, id, cmsgpack.unpack(staged), owner)
    end
  end

  -- Answers how many jobs are still to be put or removed.
  function roll(board)
    local ids, jobs = key(board, 'rolling'), key(board, 'rolling:jobs')
    local about = redis.call('HGET', jobs, '')
    if not about then return 0 end
    local ground, owner, bytes, n = common_ground(board), nil, 0, 0
    owner, ground.now = unpack(cmsgpack.unpack(about))
    while n < MANY and bytes < BYTES do
      local id = redis.call('LPOP', ids)
      if not id then break end
      local staged = redis.call('HGET', jobs, id)
      if staged then
        take_effect(ground, id, staged, owner)
        redis.call('HDEL', jobs, id)
        bytes = bytes + #staged
      end
      n = n + 1
    end
    local left = redis.call('LLEN', ids)
    if left == 0 then redis.call('DEL', jobs) end
    return left
  end
end
