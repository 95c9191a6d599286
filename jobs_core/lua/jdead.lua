#!lua flags=allow-oom
--[[ JDEAD board retry|purge ticket [ticket …] [- by who because text]

  Retry or purge dead letters by their tickets, as JTASKS lists them.

    retry   queue it again under the same id, as a first attempt: earlier losses and failures are forgotten
    purge   drop it for good

    FCALL JDEAD 1 {jobs} retry tick@1763900005000#7

  After -, which no ticket is called, come who does it, and why: see JCHANGES.

  Returns how many existed. Pass at most about a hundred tickets at once.
  Errors: JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local fail = require('base.errors').fail
local key = require('base.keys').key
local dead_letters = require 'ending.dead_letters'
local events = require 'ending.events'
local packed_job = require 'job.packed_job'
local changes = require 'ledger.changes'
local counters = require 'ledger.counters'
local open_runs = require 'queue.open_runs'
local queues = require 'queue.queues'
local records = require 'queue.records'

-- Take back the count of a dead letter that is retried. If its job was removed and put again, the job's ledger does not
-- have it.
local function uncount_dead(board, job)
  counters.add(board, 'dead', -1)
  if tonumber(redis.call('HGET', key(board, 'ledger'), 'dead ' .. job) or 0) > 0 then
    redis.call('HINCRBY', key(board, 'ledger'), 'dead ' .. job, -1)
  end
end

-- A task of a job with `overlap` counts again as a run that has not ended.
local function reopen_run(board, task)
  local packed = redis.call('HGET', key(board, 'job'), records.job_of(task))
  local head = packed and packed_job.unpack(packed)
  if head and head.overlap then open_runs.add(board, records.job_of(task), task) end
end

local VERBS = {
  retry = function(board, task)
    task.attempt, task.history, task.flags = 1, '', task.flags:gsub('p', '') .. 'p'
    queues.put_back(board, task.lane, records.write(task))
    reopen_run(board, task.id)
    uncount_dead(board, records.job_of(task.id))
    counters.add_for_job(board, records.job_of(task.id), 'revived', 1)
    events.record(board, task, task.attempt, 'revived', {})
  end,
  purge = dead_letters.purge,
}

return function(board, args)
  local handler = VERBS[args[1]]
  if not handler then fail('OPTION', "JDEAD expects retry or purge, got '" .. (args[1] or '') .. "'") end
  local last = arguments.count_before_dash(args)
  local author, jobs, n, seen = changes.read_author(args, last + 2), changes.new_list(), 0, {}
  for i = 2, last do
    local task = dead_letters.take(board, args[i])
    if task then
      handler(board, task)
      n = n + 1
      local job = records.job_of(task.id)
      if not seen[job] then changes.add_id(jobs, job) end
      seen[job] = true
    end
  end
  changes.record(board, args[1], author, { count = n, jobs = jobs })
  return n
end
