#!lua flags=no-writes
--[[ JSUMMARY board job [job …] [- only last] [- from time]

  Summarize the runs that the board keeps of jobs, as JSON:

    id, runs          how many runs are kept
    failures          how many runs in a row have died, up to the last one that ended (cancelled runs do not count)
    last              the last run, as JRUNS shows it
    last_done         when the last run that was done ended
    median, p95       seconds that the runs that were done took
    first             when the first recorded run was due
    dropped_through   when the latest run was due that is not kept any more
    period            with `from`: how many of the kept runs have ended since then, by outcome, and of these the `slowest`
                      and the `last_dead`, as JRUNS shows them

    FCALL_RO JSUMMARY 1 {jobs} tick
      1) {"id":"tick","runs":20,"failures":0,"last":{…},"last_done":1763900007.5,"median":2.4,"p95":3.1,…}

    FCALL_RO JSUMMARY 1 {jobs} tick tock - only last
    FCALL_RO JSUMMARY 1 {jobs} tick - from 1763900000
      1) {"id":"tick",…,"period":{"done":19,"dead":1,"slowest":{…},"last_dead":{…}}}

  Times are in epoch seconds. What is unknown is left out. After -, which no job is called, `only last` tells only id,
  failures, last and last_done, which takes a fraction of the time.
  Returns a list, with a null for each job of which nothing is known. It ends early if the jobs have many runs: call again for
  the rest.
  Errors: JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local errors = require 'base.errors'
local run_lines = require 'ledger.run_lines'
local runs = require 'ledger.runs'
local instant = require 'time.instant'

-- The work of one call, in microseconds, and what a job takes of it: for each line of its runs, or if only the end is read.
local MAX_WORK, LINE, LAST = 4000, 13, 20
local ENDS = 20  -- jobs that are read at once, if only the end is read

-- Return the value below which this part of a sorted list is, or nothing if it is empty.
local function quantile(sorted, part)
  return sorted[math.max(1, math.ceil(part * #sorted))]
end

-- Return a number of seconds without the noise of its subtraction.
local function whole_ms(seconds)
  return math.floor(seconds * 1000 + 0.5) / 1000
end

local function duration(run)
  return run.started and run.ended and run.ended - run.started
end

-- Count a run in what is told of a period.
local function add_to_period(period, run)
  period[run.outcome] = (period[run.outcome] or 0) + 1
  if run.outcome == 'dead' then period.last_dead = run end
  if duration(run) and (not period.slowest or duration(run) > duration(period.slowest)) then period.slowest = run end
end

local function summarize(job, found, lines, from)
  if not found then return false end
  local n, took = 0, {}
  if from then found.period = {} end
  for _, line in ipairs(lines) do
    local run = run_lines.read(job, line)
    if run and run.task then
      n, found.last = n + 1, run
      if run.outcome == 'done' and run.started then took[#took + 1] = whole_ms(run.ended - run.started) end
      if from and run.ended and run.ended >= from then add_to_period(found.period, run) end
    end
  end
  table.sort(took)
  found.id, found.runs, found.median, found.p95 = job, n, quantile(took, 0.5), quantile(took, 0.95)
  return cjson.encode(found)
end

local function summarize_last(job, found, lines)
  if not found then return false end
  local last
  for i = #lines, 1, -1 do
    local run = run_lines.read(job, lines[i])
    if run and run.task then last = run break end
  end
  return cjson.encode({ id = job, failures = found.failures, last = last, last_done = found.last_done })
end

local function read_options(args, n)
  local options = arguments.read_options(args, n + 2, { only = true, from = true, now = true })
  if options.only and options.only ~= 'last' then
    errors.fail_option('only', "expected last, got '" .. options.only .. "'")
  end
  if options.only and options.from then errors.fail_option('from', 'cannot be combined with only') end
  return options
end

return function(board, args)
  local n = arguments.count_before_dash(args)
  if n == 0 then errors.fail('OPTION', 'JSUMMARY expects at least one job id') end
  local options = read_options(args, n)
  local only_last, from = options.only, options.from
  from = from and instant.ms('from', from, instant.now(options)) / 1000
  local read, tell, at_once = runs.read_all, summarize, 1
  if only_last then read, tell, at_once = runs.read_ends, summarize_last, ENDS end
  local summaries, work = {}, 0
  while #summaries < n and work < MAX_WORK do
    local jobs = { unpack(args, #summaries + 1, math.min(n, #summaries + at_once)) }
    for i, found in ipairs(read(board, jobs)) do
      summaries[#summaries + 1] = tell(jobs[i], found.header, found.lines, from)
      work = work + (only_last and LAST or LAST + LINE * #(found.lines or {}))
    end
  end
  return summaries
end
