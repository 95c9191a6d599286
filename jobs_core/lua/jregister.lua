#!lua flags=allow-oom
--[[ JREGISTER board worker runner [runner …] [-- option value …]

  Report that a worker serves these runners. Call it at the start, then every 10 seconds: a worker that is silent for 30
  counts as dead. Report the state `ended` at the end, and the worker is forgotten at once. The options say more of it:
  host, pid, queues (separated by spaces; without them, the queues have the names of the runners), concurrency, running,
  started, ticks (1 or 0), state (serving, draining or ended), clock (its own time, which `jobs doctor` compares), and now.

  `{b}:workers` maps each worker to when it was seen last, in ms, and its report as JSON; `{b}:runners` maps each runner
  to when it was seen last, and by which worker. Silent workers are forgotten after a day, runners after a week, and the
  board keeps at most 1000 of each. Memory may be full: it is workers that free it.

    FCALL JREGISTER 1 {jobs} host-1 shell http -- concurrency 10 running 3 state serving

  Returns how many runners were new to the board.
  Errors: JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local fail = require('base.errors').fail
local names = require 'base.names'
local workers = require 'board.workers'
local instant = require 'time.instant'

local OPTIONS = {
  host = true, pid = true, queues = true, concurrency = true, running = true, started = true, ticks = true, clock = true,
  state = true, now = true,
}

-- Returns the runners, and the options after them.
local function read_arguments(args)
  local runners = {}
  for i = 2, #args do
    if args[i] == '--' then return runners, arguments.read_options(args, i + 1, OPTIONS) end
    runners[#runners + 1] = args[i]
  end
  return runners, {}
end

return function(board, args)
  local runners, options = read_arguments(args)
  if #runners == 0 then fail('OPTION', 'JREGISTER expects a worker, then at least one runner') end
  names.check_visible('worker', args[1])
  local now = instant.now(options)
  local report, ended = workers.read_report(options, now)
  if ended then
    workers.forget(board, args[1])
    return 0
  end
  return workers.note(board, args[1], runners, report, now)
end
