#!lua flags=no-writes
--[[ JFIND board cursor [label a=b,c=d] [failing n] [late 1] [running 1] [paused 1] [state s] [runner name] [text words]
         [count n] [now time]

  Find jobs, a page at a time. Start with the cursor 0, and continue with the returned one until it is 0 again. A job must
  meet all criteria. A page may be empty, and a job may be on two pages. `count` ends a page soon after it has so many jobs.

    label     has all of these labels
    failing   has failed at least so many times in a row
    late      a run is overdue by more than 5 seconds: it is not queued yet, or it waits in a queue or for a limit, and its
              first attempt has not begun
    running   a worker holds a task of it
    paused    it is paused
    state     scheduled, waiting, paused, ended or manual: see JGET
    runner    the name of its runner
    text      its id, its description or a label contains these words, in capitals or not

  The smallest index of label, failing, late and running is read. The others filter what it yields. Without any of these,
  all jobs are read. late reads the waiting tasks, too.

    FCALL_RO JFIND 1 {jobs} 0 label team=payments failing 1
      1) 0                      the cursor
      2) 1) invoices            ids

  Returns the next cursor, and a list of ids.
  Errors: JOBS AGAIN, JOBS OPTION.
--]]
local apply_state = require 'base.apply_state'
local arguments = require 'base.arguments'
local cursors = require 'base.cursors'
local fail_option = require('base.errors').fail_option
local job_filter = require 'board.job_filter'
local job_sources = require 'board.job_sources'
local label_option = require 'job.label_option'
local instant = require 'time.instant'

local MAX_COST, MAX_BYTES = 1000, 262144  -- per call: what it looks at, and bytes of what is stored of jobs
local READ_COST = 3  -- reading a job takes as long as looking it up in so many indexes
local OPTIONS = {
  label = true, failing = true, late = true, running = true, paused = true, state = true, runner = true, text = true,
  count = true, now = true,
}
local STATES = { scheduled = true, waiting = true, paused = true, ended = true, manual = true }
local SWITCHES = { 'late', 'running', 'paused' }

local function read_criteria(args)
  local criteria = arguments.read_options(args, 2, OPTIONS)
  for _, name in ipairs(SWITCHES) do
    if criteria[name] and criteria[name] ~= '1' then fail_option(name, "expected 1, got '" .. criteria[name] .. "'") end
  end
  if criteria.state and not STATES[criteria.state] then
    fail_option('state', "expected scheduled, waiting, paused, ended or manual, got '" .. criteria.state .. "'")
  end
  criteria.now = instant.now(criteria)
  criteria.failing = criteria.failing and arguments.whole_number('failing', criteria.failing, 1)
  criteria.label = label_option.read_filter('label', criteria.label) or {}
  criteria.text = criteria.text and criteria.text:lower()
  criteria.count = criteria.count and arguments.whole_number('count', criteria.count, 1) or math.huge
  return criteria
end

-- A cursor is a source and a position in it.
local function read_cursor(board, text, criteria)
  if text == '0' then return job_sources.choose(board, criteria), nil end
  local source, position = text:match('^(%S+) ?(.*)$')
  position = position ~= '' and position or nil
  if not source or not job_sources.is_known(source, position, criteria) then cursors.reject('cursor', text) end
  return source, position
end

return function(board, args)
  local criteria = read_criteria(args)
  local source, position = read_cursor(board, args[1] or '0', criteria)
  apply_state.require_no_pending_apply(board)
  local found, cost, bytes = {}, 0, 0
  while source and cost < MAX_COST and bytes < MAX_BYTES and #found < criteria.count do
    local from = source
    local ids, packed, read, size
    ids, source, position, packed = job_sources.read(board, criteria, source, position, criteria.count - #found)
    cost = cost + #ids + 1
    ids, read, size = job_filter.by_content(board, job_filter.by_index(board, ids, criteria, from), criteria, from, packed)
    cost, bytes = cost + READ_COST * read, bytes + size
    for _, id in ipairs(ids) do found[#found + 1] = id end
  end
  return { source and source .. (position and ' ' .. position or '') or '0', found }
end
