-- Finds the alerts that are for a job or a queue. Many alerts are each for a label or some jobs, so they are looked up by
-- these, and only patterns are tried one by one.

local key = require('base.keys').key
local rules = require 'alert.rules'
local scope = require 'alert.scope'
local labels = require 'define.labels'
local packed_job = require 'job.packed_job'

local matching = {}

local NONE = {}

local function add(map, name, entry)
  map[name] = map[name] or {}
  table.insert(map[name], entry)
end

-- An index of conditions: those that are for everything, those for an id, for a label, and those for patterns.
local function new_index(list)
  local index = { n = #list, all = {}, ids = {}, labels = {}, patterns = {}, has_queues = false }
  for at, pair in ipairs(list) do
    local entry = { at = at, pair = pair }
    local terms = scope.terms(pair[1])
    if #terms == 0 then table.insert(index.all, entry) end
    for _, term in ipairs(terms) do
      if term.id then
        add(index.ids, term.id, entry)
      elseif term.label then
        add(index.labels, term.label, entry)
      else
        table.insert(index.patterns, { term = term, entry = entry })
        index.has_queues = index.has_queues or term.queue ~= nil
      end
    end
  end
  return index
end

-- Return the index of the conditions of these kinds, a set. It stays as long as the alerts do.
local function index_of(board, kinds)
  local indexes = rules.indexes(board)
  indexes[kinds] = indexes[kinds] or new_index(rules.with(board, kinds))
  return indexes[kinds]
end

local function labels_of(board, job)
  local packed = redis.call('HGET', key(board, 'job'), job)
  local head, body
  if packed then head, body = packed_job.unpack(packed) end
  return head and labels.of_body(body) or NONE
end

-- Return { rule, condition } for each condition of these kinds that is for a job or a queue; either may be nil. The queue of a
-- job is that of its runs, if none is given. `kinds` is a set, and the same table each time. No alert is about the tasks of
-- alerts, so that none loops.
function matching.find(board, kinds, job, queue)
  local index = index_of(board, kinds)
  if index.n == 0 or job and scope.is_of_alert(job) then return NONE end
  if not queue and job and index.has_queues then queue = scope.queue_of(board, job) end
  local chosen, found = {}, {}
  local function choose(entries)
    for _, entry in ipairs(entries or NONE) do
      if not chosen[entry.at] then chosen[entry.at], found[#found + 1] = true, entry end
    end
  end
  choose(index.all)
  choose(job and index.ids[job])
  for _, pattern in ipairs(index.patterns) do
    if scope.matches_pattern(pattern.term, job, queue) then choose({ pattern.entry }) end
  end
  if job and next(index.labels) then
    for _, label in ipairs(labels_of(board, job)) do choose(index.labels[label]) end
  end
  table.sort(found, function(a, b) return a.at < b.at end)
  for i, entry in ipairs(found) do found[i] = entry.pair end
  return found
end

local ANY = {
  failed = true, dead = true, recovered = true, done = true, late = true, missed = true, long = true, silent = true,
  unserved = true, behind = true,
}

-- Return { rule, condition } for each condition of any kind that is for a job, or for the queue of its tasks; and that queue,
-- if the job exists.
function matching.of_job(board, job)
  local queue = scope.queue_of(board, job)
  return matching.find(board, ANY, job, queue), queue
end

-- Whether any alert has a condition of these kinds.
function matching.any(board, kinds)
  return index_of(board, kinds).n > 0
end

return matching
