#!lua flags=no-writes
--[[ JWHEN board id [id …]

  Read the dependencies of jobs as JSON: `after`, the jobs that each waits for, with `on` and `join`; `met`, those that
  have ended since its last run; `parents`, how each of these ended: job, task, outcome, code, note, and its time;
  `missing`, those that do not exist; and `followed_by`, the jobs that wait for it (the first hundred). If an occurrence of
  a job with a time waits, `waiting` has its task id, when it was `due`, its `deadline`, and what happens then,
  `at-deadline`. Times are in epoch seconds. Empty fields are left out. Set dependencies with JSET's `after`.

    FCALL_RO JWHEN 1 {jobs} report
      1) {"id":"report","after":["fetch","clean"],"on":"done","join":"all","met":["fetch"],
          "parents":[{"job":"fetch","task":"fetch@1763900005000","outcome":"done","time":1763900007.5}]}

  Returns a list, with a null for each job that does not exist.
  Errors: JOBS AGAIN, JOBS OPTION.
--]]
local apply_state = require 'base.apply_state'
local fail = require('base.errors').fail
local key = require('base.keys').key
local digits = require('base.numbers').digits
local dependencies = require 'define.dependencies'
local parent_endings = require 'due.parent_endings'
local waiting = require 'due.waiting'
local describe = require 'job.describe'
local packed_job = require 'job.packed_job'

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
    found.missing = filter(waits.parents, function(parent) return redis.call('HEXISTS', key(board, 'job'), parent) == 0 end)
  end
  local children = redis.call('ZRANGE', key(board, 'after:' .. id), 0, 99)
  found.followed_by = children[1] and children
  return cjson.encode(found)
end

return function(board, args)
  if #args == 0 then fail('OPTION', 'JWHEN expects at least one job id') end
  apply_state.require_no_pending_apply(board)
  local found = {}
  for i, id in ipairs(args) do found[i] = describe_dependencies(board, id) end
  return found
end
