#!lua flags=no-writes
--[[ JSUMMARY board job [job …]

  Summarize the runs that the board keeps of jobs, as JSON:

    id, runs          how many runs are kept
    failures          how many runs in a row have died, up to the last one that ended (cancelled runs do not count)
    last              the last run, as JRUNS shows it
    last_done         when the last run that was done ended
    median, p95       seconds that the runs that were done took
    first             when the first recorded run was due
    dropped_through   when the latest run was due that is not kept any more

    FCALL_RO JSUMMARY 1 {jobs} tick
      1) {"id":"tick","runs":20,"failures":0,"last":{…},"last_done":1763900007.5,"median":2.4,"p95":3.1,…}

  Times are in epoch seconds. What is unknown is left out.
  Returns a list, with a null for each job of which nothing is known. Pass at most about a hundred jobs at once.
  Errors: JOBS OPTION.
--]]
local fail = require('base.errors').fail
local run_lines = require 'ledger.run_lines'
local runs = require 'ledger.runs'

-- Return the value below which this part of a sorted list is, or nothing if it is empty.
local function quantile(sorted, part)
  return sorted[math.max(1, math.ceil(part * #sorted))]
end

-- Return a number of seconds without the noise of its subtraction.
local function whole_ms(seconds)
  return math.floor(seconds * 1000 + 0.5) / 1000
end

local function summarize(job, found, lines)
  if not found then return false end
  local n, took = 0, {}
  for _, line in ipairs(lines) do
    local run = run_lines.read(job, line)
    if run and run.task then
      n, found.last = n + 1, run
      if run.outcome == 'done' and run.started then took[#took + 1] = whole_ms(run.ended - run.started) end
    end
  end
  table.sort(took)
  found.id, found.runs, found.median, found.p95 = job, n, quantile(took, 0.5), quantile(took, 0.95)
  return cjson.encode(found)
end

return function(board, args)
  if #args == 0 then fail('OPTION', 'JSUMMARY expects at least one job id') end
  local summaries = {}
  for i, found in ipairs(runs.read_all(board, args)) do summaries[i] = summarize(args[i], found.header, found.lines) end
  return summaries
end
