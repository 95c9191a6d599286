#!lua flags=no-writes
--[[ JSTATS board [job id]

  Read the ledger since the board was created, as name and number pairs. The numbers add up:

    due = queued + coalesced + skipped
    queued = done + dead + cancelled + unleased + in_flight

  `unleased` tasks run at most once, and nobody reports on them. `in_flight` tasks are queued, held, delayed or leased
  now. The others are: pushed, backfilled, leased, retried, failed (the policy decides when the task is next taken), lost,
  doubled (leased again after being lost), released, revived, purged (dead letters), trimmed, stale, and `waiting`:
  occurrences that wait for other jobs, which count as due when they stop waiting. `skipped:<reason>` is how many were
  skipped for a reason, of which there were any: late, overlap, full, parents, paused, changed, removed or unreadable. What
  older versions skipped has no reason. With `job`, returns the counters of that job. Count its tasks in flight with JTASKS.

    FCALL_RO JSTATS 1 {jobs}
  Errors: JOBS AGAIN, JOBS NOTFOUND, JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local key = require('base.keys').key
local lookup = require 'job.lookup'
local board_counters = require 'ledger.board_counters'
local job_counters = require 'ledger.job_counters'
local skip_reasons = require 'ledger.skip_reasons'
local task_locations = require 'queue.task_locations'

local function numbers(names, values)
  local reply = {}
  for i, name in ipairs(names) do
    reply[#reply + 1], reply[#reply + 2] = name, tonumber(values[i] or 0)
  end
  return reply
end

-- Return the counters of the board that are not zero, for each reason to skip an occurrence.
local function skipped_by_reason(board)
  local names, reply = {}, {}
  for i, why in ipairs(skip_reasons.ALL) do names[i] = skip_reasons.counter(why) end
  for i, n in ipairs(redis.call('HMGET', key(board, 'stats'), unpack(names))) do
    if n then reply[#reply + 1], reply[#reply + 2] = names[i], tonumber(n) end
  end
  return reply
end

return function(board, args)
  local job = arguments.read_options(args, 1, { job = true }).job
  if job then
    lookup.require_job(board, job)
    return numbers(job_counters.NAMES, redis.call('HMGET', key(board, 'ledger'), unpack(job_counters.fields(job))))
  end
  local values = redis.call('HMGET', key(board, 'stats'), unpack(board_counters.SHOWN))
  for i, name in ipairs(board_counters.SHOWN) do
    if name == 'waiting' then values[i] = redis.call('ZCARD', key(board, 'waiting')) end
    if name == 'in_flight' then values[i] = task_locations.in_flight(board) end
  end
  local reply = numbers(board_counters.SHOWN, values)
  for _, part in ipairs(skipped_by_reason(board)) do reply[#reply + 1] = part end
  return reply
end
