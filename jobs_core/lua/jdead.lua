#!lua flags=allow-oom
--[[ JDEAD board retry|purge ticket [ticket …]

  Take up dead letters, by the tickets that JTASKS names.

    retry   queue it again, under the same id, as its first attempt: its losses and failures are forgotten
    purge   drop it for good

    EVALSHA <JDEAD> 1 {jobs} retry tick@1763900005000#7

  Answers how many there were. Name no more than about a hundred at once.
  Errors: JOBS OPTION.
--]]
--- @include "command"
--- @include "fail"
--- @include "ending"

-- It was not the end after all. The job may have been removed and put again since: then its ledger knows nothing.
local function uncount_dead(board, job)
  count(board, 'dead', -1)
  if tonumber(redis.call('HGET', key(board, 'ledger'), 'dead ' .. job) or 0) > 0 then
    redis.call('HINCRBY', key(board, 'ledger'), 'dead ' .. job, -1)
  end
end

-- A job with an overlap of its own takes it into account.
local function reopen_run(board, task)
  local packed = redis.call('HGET', key(board, 'job'), task_job(task))
  if packed and unpack_job(packed).w then open_run(board, task_job(task), task) end
end

local VERBS = {
  retry = function(board, task)
    task.attempt, task.history = 1, ''
    enqueue(board, task.lane, { write_record(task) })
    reopen_run(board, task.id)
    uncount_dead(board, task_job(task.id))
    tally(board, task_job(task.id), 'revived', 1)
    tell(board, task, task.attempt, 'revived', {})
  end,
  purge = function(board, task)
    count(board, 'purged', 1)
    tell(board, task, task.attempt, 'purged', {})
  end,
}

return command(function()
  local board, act = KEYS[1], VERBS[ARGV[1]]
  if not act then fail('OPTION', 'JDEAD starts with retry or purge') end
  local n = 0
  for i = 2, #ARGV do
    if redis.call('ZREM', key(board, 'dead'), ARGV[i]) == 1 then
      local record = redis.call('HGET', key(board, 'task'), ARGV[i])
      redis.call('HDEL', key(board, 'task'), ARGV[i])
      act(board, read_record(record))
      n = n + 1
    end
  end
  return n
end)
