#!lua flags=no-writes
--[[ JWHEN board id [id …] [- only links]

  Read the dependencies of jobs as JSON: `after`, the jobs that each waits for, with `on` and `join`; `met`, those that
  have ended since its last run; `parents`, how each of these ended: job, task, outcome, code, note, and its time;
  `missing`, those that do not exist; and `followed_by`, the jobs that wait for it (the first hundred). If an occurrence of
  a job with a time waits, `waiting` has its task id, when it was `due`, its `deadline`, and what happens then,
  `at-deadline`. Times are in epoch seconds. Empty fields are left out. Set dependencies with JSET's `after`.

    FCALL_RO JWHEN 1 {jobs} report
      1) {"id":"report","after":["fetch","clean"],"on":"done","join":"all","met":["fetch"],
          "parents":[{"job":"fetch","task":"fetch@1763900005000","outcome":"done","time":1763900007.5}]}

  After -, which no job is called, `only links` tells `after` and `followed_by` alone, with `exists`, and also of jobs that do
  not exist. On a partition of a board, `missing` and `followed_by` are what this partition knows, and `followed_in` has the
  numbers of the partitions with more jobs that wait for it.

    FCALL_RO JWHEN 1 {jobs.0} gone - only links
      1) {"id":"gone","exists":false,"followed_by":["report"],"followed_in":[3]}

  Returns a list, with a null for each job that does not exist.
  Errors: JOBS AGAIN, JOBS OPTION.
--]]
local apply_state = require 'base.apply_state'
local arguments = require 'base.arguments'
local errors = require 'base.errors'
local key = require('base.keys').key
local digits = require('base.numbers').digits
local partition = require 'base.partition'
local dependencies = require 'define.dependencies'
local parent_endings = require 'due.parent_endings'
local waiting = require 'due.waiting'
local describe = require 'job.describe'
local packed_job = require 'job.packed_job'
local links = require 'partition.links'

local MAX_CHILDREN = 100  -- jobs in `followed_by`

-- Return the items that pass, or nothing if none does.
local function filter(list, passes)
  local found = {}
  for _, item in ipairs(list) do
    if passes(item) then found[#found + 1] = item end
  end
  return found[1] and found
end

-- Return the ids of the parents that have ended, and how they ended; nothing if none has.
local function describe_met(board, id, waits)
  local met, parents = {}, {}
  for i, ending in ipairs(parent_endings.read(board, id, waits)) do
    local found = ending.details and cjson.decode(ending.details:match('^[^\n]*') .. '}') or { job = ending.parent }
    found.time = describe.seconds(ending.time)
    met[i], parents[i] = ending.parent, found
  end
  if met[1] then return met, parents end
end

-- Return the occurrence that waits, or nothing.
local function describe_waiting(board, id, head)
  local due = dependencies.has_time(head) and waiting.due(board, id)
  if not due then return nil end
  return {
    task = id .. '@' .. digits(due), due = describe.seconds(due), deadline = describe.seconds(waiting.deadline_of(board, id)),
    ['at-deadline'] = head.at_deadline or 'skip',
  }
end

local function add_links(board, id, found)
  local children, elsewhere = redis.call('ZRANGE', key(board, 'after:' .. id), 0, MAX_CHILDREN - 1), links.partitions(board, id)
  found.followed_by, found.followed_in = children[1] and children, elsewhere[1] and elsewhere
  return found
end

local function describe_links(board, id)
  local found, after = { id = id }, {}
  if not partition.elsewhere(id) then found.exists = redis.call('HEXISTS', key(board, 'job'), id) == 1 end
  for parent in (redis.call('HGET', key(board, 'parents'), id) or ''):gmatch('[^,]+') do after[#after + 1] = parent end
  found.after = after[1] and after
  return cjson.encode(add_links(board, id, found))
end

local function describe_dependencies(board, id)
  local packed = redis.call('HGET', key(board, 'job'), id)
  if not packed then return false end
  local head = packed_job.unpack(packed)
  if not head then return false end
  local found, waits = { id = id }, head.after
  if waits then
    found.after, found.on, found.join = waits.parents, waits.on or 'done', waits.join or 'all'
    found.met, found.parents = describe_met(board, id, waits)
    found.waiting = describe_waiting(board, id, head)
    found.missing = filter(waits.parents, function(parent)
      return not partition.elsewhere(parent) and redis.call('HEXISTS', key(board, 'job'), parent) == 0
    end)
  end
  return cjson.encode(add_links(board, id, found))
end

return function(board, args)
  local n = arguments.count_before_dash(args)
  if n == 0 then errors.fail('OPTION', 'JWHEN expects at least one job id') end
  local only = arguments.read_options(args, n + 2, { only = true }).only
  if only and only ~= 'links' then errors.fail_option('only', "expected links, got '" .. only .. "'") end
  apply_state.require_no_pending_apply(board)
  local found, describe_one = {}, only and describe_links or describe_dependencies
  for i = 1, n do found[i] = describe_one(board, args[i]) end
  return found
end
