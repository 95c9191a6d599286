#!lua flags=no-writes
--[[ JSUMMARY board job [job …] [- only last]

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

    FCALL_RO JSUMMARY 1 {jobs} tick tock - only last

  Times are in epoch seconds. What is unknown is left out. After -, which no job is called, `only last` leaves out runs,
  median, p95 and dropped_through, which takes a fraction of the time.
  Returns a list, with a null for each job of which nothing is known. Pass at most about a hundred jobs at once, or five
  hundred with `only last`.
  Errors: JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local errors = require 'base.errors'
local run_lines = require 'ledger.run_lines'
local run_records = require 'ledger.run_records'
local runs = require 'ledger.runs'

-- Return the value below which this part of a sorted list is, or nothing if it is empty.
local function quantile(sorted, part)
  return sorted[math.max(1, math.ceil(part * #sorted))]
end

-- Return a number of seconds without the noise of its subtraction.
local function whole_ms(seconds)
  return math.floor(seconds * 1000 + 0.5) / 1000
end

local function summarize(job, record, older)
  local found, lines = run_records.read(record, older)
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

-- Return the last run among the lines of a job.
local function find_last(board, job)
  local _, lines = run_records.read(unpack(runs.records_of(board, { job })))
  for i = #(lines or {}), 1, -1 do
    local run = run_lines.read(job, lines[i])
    if run and run.task then return run end
  end
end

-- Summarize without reading all lines: for most jobs, the last line is the last run.
local function summarize_last(board, job, record)
  local found, line = run_records.read_end(record)
  if not found then return false end
  local run = line and run_lines.read(job, line)
  found.id, found.last = job, run and run.task and run or find_last(board, job)
  return cjson.encode(found)
end

local function read_options(args, n)
  local options = arguments.read_options(args, n + 2, { only = true })
  if options.only and options.only ~= 'last' then
    errors.fail_option('only', "expected last, got '" .. options.only .. "'")
  end
  return options
end

return function(board, args)
  local n = arguments.count_before_dash(args)
  if n == 0 then errors.fail('OPTION', 'JSUMMARY expects at least one job id') end
  local only_last = read_options(args, n).only
  local jobs, summaries = { unpack(args, 1, n) }, {}
  if only_last then
    local records = runs.recent_of(board, jobs)
    for i, job in ipairs(jobs) do summaries[i] = summarize_last(board, job, records[i]) end
    return summaries
  end
  local records = runs.records_of(board, jobs)
  for i, job in ipairs(jobs) do summaries[i] = summarize(job, records[2 * i - 1], records[2 * i]) end
  return summaries
end
