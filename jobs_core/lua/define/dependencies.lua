local fail_option = require('base.errors').fail_option
local key = require('base.keys').key
local ids = require 'job.ids'
local revision = require 'job.revision'

local dependencies = {}

-- Jobs that run when others have ended. A head's `after` says which: `parents`, their ids; `on`, dead or end, or nothing for
-- done; `join`, any when one of them will do, else nothing. `{b}:after:<parent>` has
-- the jobs that wait for a parent, in the order of their ids; `{b}:parents` the same the other way round, `a,b` for each
-- job; `{b}:met:<job>` the parents that have ended since its last run.
local MAX_PARENTS, MAX_SEARCHED = 100, 5000  -- parents of a job; jobs looked at for a cycle
local MAX_NAMED = 10  -- jobs of a cycle that an error names

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

-- Returns what a head keeps of `after`, `on` and `join`.
function dependencies.read(options)
  return {
    parents = read_parents(options.after), on = read_choice('on', options.on, ON, 'done, dead or end'),
    join = read_choice('join', options.join, JOIN, 'all or any'),
  }
end

-- The ids that a job waits for.
function dependencies.parents(head)
  return head and head.after and head.after.parents or {}
end

function dependencies.is_same(a, b)
  if not (a and b) then return a == b end
  return a.on == b.on and a.join == b.join and table.concat(a.parents, ',') == table.concat(b.parents, ',')
end

function dependencies.has_children(board, id)
  return redis.call('EXISTS', key(board, 'after:' .. id)) == 1
end

-- Walk up to all that a job waits for, whatever the way. Returns a cycle that it meets, as a list of ids, the first again
-- at its end; or nothing.
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

-- Refuse a job that would wait for itself, by whatever way. A graph has `parents`, which returns the ids that a job
-- waits for, `a,b`; `clear`, which notes that no cycle is above a job; and `is_clear`, whether that was noted. Returns
-- whether none is above this one.
function dependencies.check_cycle(id, graph)
  graph.left = MAX_SEARCHED
  local cycle = find_cycle(id, graph, {}, { [id] = 1 })
  if cycle and cycle[1] == id then fail_option('after', cycle_text(cycle)) end
  return not cycle
end

-- What the jobs on the board wait for, with `changed` in place of what some of them do.
function dependencies.graph(board, changed)
  local clear = {}
  return {
    parents = function(id) return changed(id) or redis.call('HGET', key(board, 'parents'), id) or '' end,
    is_clear = function(id) return clear[id] end,
    mark_clear = function(id) clear[id] = true end,
  }
end

-- What a job waits for, as `{b}:parents` has it.
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

-- Note what a job waits for, instead of what it waited for before. What has ended counts on, unless it is to end
-- another way from now on.
function dependencies.link(board, id, head, old)
  local parents, kept = dependencies.ids(head), {}
  if head and head.after and old and old.after and head.after.on ~= old.after.on then
    redis.call('DEL', key(board, 'met:' .. id))
  end
  if parents == dependencies.ids(old) then return end
  write_parents(board, id, parents)
  for _, parent in ipairs(dependencies.parents(head)) do
    kept[parent] = true
    redis.call('ZADD', key(board, 'after:' .. parent), 0, id)
  end
  for _, parent in ipairs(dependencies.parents(old)) do
    if not kept[parent] then
      redis.call('ZREM', key(board, 'after:' .. parent), id)
      redis.call('SREM', key(board, 'met:' .. id), parent)
    end
  end
end

return dependencies
