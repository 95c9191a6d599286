-- Dependencies between jobs. A head's `after` has `parents`, their ids; `on`, dead or end, or nothing for done; and
-- `join`, any or nothing for all. `{b}:after:<parent>` is the set of jobs that wait for a parent, sorted by id;
-- `{b}:parents` is the reverse, `a,b` for each job; `{b}:met:<job>` has the parents that have ended since the job's last
-- run (see due/parent_endings.lua). A job may also have a time: then each occurrence waits for the parents. Parents may be in
-- other partitions (see partition/links.lua), which a search for a cycle does not see: clients do that before they put a job.

local fail_option = require('base.errors').fail_option
local key = require('base.keys').key
local partition = require 'base.partition'
local parent_endings = require 'due.parent_endings'
local ids = require 'job.ids'
local revision = require 'job.revision'
local links = require 'partition.links'

local dependencies = {}

local MAX_PARENTS, MAX_SEARCHED = 100, 5000  -- per job; jobs visited in one search for a cycle
local MAX_NAMED = 10  -- jobs of a cycle in an error message

local ON = { done = false, dead = 'dead', ['end'] = 'end' }
local JOIN = { all = false, any = 'any' }

local function read_choice(name, text, words, known)
  if text and words[text] == nil then fail_option(name, 'expected ' .. known .. ", got '" .. text .. "'") end
  return text and words[text] or nil
end

local function read_parents(text)
  local parents, seen = {}, {}
  for parent in (text .. ','):gmatch('%s*([^,]-)%s*,') do
    ids.check('after', parent)
    if not seen[parent] then parents[#parents + 1] = parent end
    seen[parent] = true
  end
  if #parents > MAX_PARENTS then fail_option('after', 'expected at most ' .. MAX_PARENTS .. ' jobs, got ' .. #parents) end
  return parents
end

-- Return the `after` field of a head, from the options after, on and join.
function dependencies.read(options)
  return {
    parents = read_parents(options.after), on = read_choice('on', options.on, ON, 'done, dead or end'),
    join = read_choice('join', options.join, JOIN, 'all or any'),
  }
end

-- Return the ids of the jobs that a job waits for.
function dependencies.parents(head)
  return head and head.after and head.after.parents or {}
end

-- Whether a job has both a time and parents.
function dependencies.has_time(head)
  return head and head.after and (head.every or head.cron or head.months or head.at) and true or false
end

function dependencies.is_same(a, b)
  if not (a and b) then return a == b end
  return a.on == b.on and a.join == b.join and table.concat(a.parents, ',') == table.concat(b.parents, ',')
end

-- Whether jobs of this partition wait for a job.
function dependencies.has_children(board, id)
  return redis.call('EXISTS', key(board, 'after:' .. id)) == 1
end

-- Search everything that a job waits for, directly or not. Returns the first cycle found as a list of ids, with the first
-- id repeated at the end, or nothing.
local function find_cycle(id, graph, path, position)
  graph.left = graph.left - 1
  if graph.left < 0 then fail_option('after', 'expected a chain of at most ' .. MAX_SEARCHED .. ' jobs, got a longer one') end
  path[position[id]] = id
  for parent in graph.parents(id):gmatch('[^,]+') do
    local from = position[parent]
    if from then
      local cycle = { unpack(path, from, position[id]) }
      cycle[#cycle + 1] = parent
      return cycle
    end
    if not graph.is_clear(parent) then
      position[parent] = position[id] + 1
      local cycle = find_cycle(parent, graph, path, position)
      if cycle then return cycle end
      position[parent] = nil
    end
  end
  graph.mark_clear(id)
end

local function cycle_text(cycle)
  local named = cycle
  if #cycle > MAX_NAMED then
    named = { unpack(cycle, 1, MAX_NAMED - 2) }
    named[MAX_NAMED - 1], named[MAX_NAMED] = '… (' .. #cycle - MAX_NAMED .. ' more) …', cycle[#cycle]
  end
  return 'expected no cycle, got ' .. table.concat(named, ' after ')
end

-- Reject a job that would wait for itself, directly or through others. A graph has `parents`, which returns the parents
-- of a job as `a,b`; `mark_clear`, which marks a job as having no cycle above it; and `is_clear`, whether it is marked.
-- Returns whether no cycle is above this job.
function dependencies.check_cycle(id, graph)
  graph.left = MAX_SEARCHED
  local cycle = find_cycle(id, graph, {}, { [id] = 1 })
  if cycle and cycle[1] == id then fail_option('after', cycle_text(cycle)) end
  return not cycle
end

-- Return the graph of the jobs on the board. `changed` returns the new parents of a job that changes.
function dependencies.graph(board, changed)
  local clear = {}
  return {
    parents = function(id) return changed(id) or redis.call('HGET', key(board, 'parents'), id) or '' end,
    is_clear = function(id) return clear[id] end,
    mark_clear = function(id) clear[id] = true end,
  }
end

-- Return the parents of a job as `{b}:parents` stores them.
function dependencies.ids(head)
  return table.concat(dependencies.parents(head), ',')
end

local function write_parents(board, id, parents)
  if parents == '' then
    redis.call('HDEL', key(board, 'parents'), id)
  else
    redis.call('HSET', key(board, 'parents'), id, parents)
  end
  revision.bump(board)
end

-- Whether parents that ended under the old head may not count for the new one.
local function is_other_condition(head, old)
  return head.after.on ~= old.after.on or dependencies.has_time(head) ~= dependencies.has_time(old)
end

-- Replace the stored dependencies of a job. Parents that have already ended still count, unless `on` changes, or whether
-- the job has a time.
function dependencies.link(board, id, head, old)
  local parents, kept, first, last = dependencies.ids(head), {}, {}, {}
  if head and head.after and old and old.after and is_other_condition(head, old) then parent_endings.forget(board, id) end
  if parents == dependencies.ids(old) then return end
  write_parents(board, id, parents)
  for _, parent in ipairs(dependencies.parents(head)) do
    kept[parent] = true
    local children = key(board, 'after:' .. parent)
    if redis.call('ZADD', children, 0, id) == 1 and partition.current() and redis.call('ZCARD', children) == 1 then
      first[#first + 1] = parent
    end
  end
  for _, parent in ipairs(dependencies.parents(old)) do
    if not kept[parent] then
      redis.call('ZREM', key(board, 'after:' .. parent), id)
      parent_endings.forget_parents(board, id, { parent })
      if partition.current() and not dependencies.has_children(board, parent) then last[#last + 1] = parent end
    end
  end
  links.tell(board, 'link', first)
  links.tell(board, 'unlink', last)
end

return dependencies
