#!lua flags=no-writes
--[[ JRUNS board job [count n] [task id]

  Read the latest runs of a job, newest first, as JSON: how its tasks ended, and the occurrences that had no run. The board
  keeps 20 for each job, unless its bound `runs` (see JRETAIN) or the job's `history` says otherwise. `count` reads fewer,
  `task` only the runs of one task.

    FCALL_RO JRUNS 1 {jobs} tick count 2
      1) {"task":"tick@1763900005000","outcome":"done","due":1763900005,"started":1763900005.02,"ended":1763900007.5,
          "attempts":1,"worker":"host-1"}
      2) {"outcome":"skipped","due":1763900000,"through":1763900000,"count":1,"reason":"overlap"}

  Outcomes are done, dead, cancelled, unleased (run at most once, and nobody reports how it ended), skipped and coalesced.
  Times are in epoch seconds. `attempts` counts the attempts that began. `code` and `note` are the last report's, and `held`
  has the limit that held the task, and since when. `through` is when the last of `count` occurrences was due, or a time
  up to which they were passed over. What is unknown is left out.

  Returns a list, empty if no runs are known.
  Errors: JOBS NOTFOUND, JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local fail = require('base.errors').fail
local key = require('base.keys').key
local lookup = require 'job.lookup'
local run_lines = require 'ledger.run_lines'
local runs = require 'ledger.runs'

local NAMES = { count = true, task = true }

local function read_lines(board, job)
  local header, lines = runs.read(board, job)
  if not header and redis.call('HEXISTS', key(board, 'job'), job) == 0 then
    fail('NOTFOUND', lookup.no_job(board, job))
  end
  return lines or {}
end

return function(board, args)
  local job = args[1] or fail('OPTION', 'JRUNS expects the id of a job')
  local options = arguments.read_options(args, 2, NAMES)
  local most = options.count and arguments.whole_number('count', options.count, 1) or math.huge
  local found, lines = {}, read_lines(board, job)
  for i = #lines, 1, -1 do
    if #found >= most then break end
    local run = run_lines.read(job, lines[i])
    if run and (not options.task or run.task == options.task) then found[#found + 1] = cjson.encode(run) end
  end
  return found
end
