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
  local function put_staged(board, id, args, owner, now)
    local reply = command(function() return write_put(board, read_put(board, args, false, now)) end)
    if type(reply) == 'table' then
      remember(board, id .. '@' .. digits(now), 0, 'refused', { 'note', (reply.err:gsub('^JOBS %u+ ', '')) })
    else
      redis.call('HSET', key(board, 'owners'), id, owner)
    end
  end

  local function take_effect(board, id, staged, owner, now)
    if staged == '' then
      remove_job(board, id)
      redis.call('HDEL', key(board, 'owners'), id)
    else
      put_staged(board, id, cmsgpack.unpack(staged), owner, now)
    end
  end

  -- Answers how many jobs are still to be put or removed.
  function roll(board)
    local ids, jobs = key(board, 'rolling'), key(board, 'rolling:jobs')
    local about = redis.call('HGET', jobs, '')
    if not about then return 0 end
    local owner, now = unpack(cmsgpack.unpack(about))
    local bytes, n = 0, 0
    while n < MANY and bytes < BYTES do
      local id = redis.call('LPOP', ids)
      if not id then break end
      local staged = redis.call('HGET', jobs, id)
      if staged then
        take_effect(board, id, staged, owner, now)
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
