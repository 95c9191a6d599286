-- Which of the jobs that a source of JFIND yields match the other criteria.

local key = require('base.keys').key
local labels = require 'define.labels'
local describe = require 'job.describe'
local packed_job = require 'job.packed_job'
local under_way = require 'limit.under_way'

local job_filter = {}

local READ_SIZE = 10  -- jobs per read: payloads may be large

-- Keep the ids whose score in a sorted set passes.
local function keep_by_score(ids, name, passes)
  if #ids == 0 then return ids end
  local kept = {}
  for i, score in ipairs(redis.call('ZMSCORE', name, unpack(ids))) do
    if score and passes(tonumber(score)) then kept[#kept + 1] = ids[i] end
  end
  return kept
end

local function is_member() return true end

-- Keep the ids that pass by the indexes, other than the one that they come from.
function job_filter.by_index(board, ids, criteria, source)
  for at, label in ipairs(criteria.label) do
    if source ~= 'label' .. at then ids = keep_by_score(ids, labels.index(board, label), is_member) end
  end
  if criteria.failing and source ~= 'failing' then
    ids = keep_by_score(ids, key(board, 'failing'), function(failures) return failures >= criteria.failing end)
  end
  if criteria.running and source ~= 'running' then
    criteria.tokens = criteria.tokens or under_way.tokens_by_job(board)
    local kept = {}
    for _, id in ipairs(ids) do kept[#kept + 1] = criteria.tokens[id] and id end
    ids = kept
  end
  return ids
end

local function contains(text, words)
  return text:lower():find(words, 1, true) ~= nil
end

local function has_text(id, body, words)
  if contains(id, words) then return true end
  local options = packed_job.read_options(body) or {}
  if type(options.description) == 'string' and contains(options.description, words) then return true end
  for _, label in ipairs(type(options.label) == 'table' and options.label or {}) do
    if contains(label, words) then return true end
  end
  return false
end

local function matches(board, id, packed, criteria)
  local head, body = packed_job.unpack(packed)
  if not head then return false end
  if criteria.runner and head.runner ~= criteria.runner then return false end
  if criteria.paused and not head.paused then return false end
  if criteria.text and not has_text(id, body, criteria.text) then return false end
  return not criteria.state
    or describe.state(board, id, head, redis.call('ZSCORE', key(board, 'schedule'), id)) == criteria.state
end

-- Sources that name jobs of tasks may name one that is gone, or a one-off task.
local function must_read(criteria, source)
  return criteria.runner or criteria.paused or criteria.text or criteria.state
    or source == 'running' or source == 'waiting'
end

-- Keep the ids of jobs that pass by what is stored of them. Returns these, and how many jobs and
-- bytes were read.
function job_filter.by_content(board, ids, criteria, source, packed)
  if not must_read(criteria, source) then return ids, 0, 0 end
  local kept, bytes = {}, 0
  for first = 1, #ids, READ_SIZE do
    local some = { unpack(ids, first, math.min(first + READ_SIZE - 1, #ids)) }
    local found = packed and {} or redis.call('HMGET', key(board, 'job'), unpack(some))
    for i, id in ipairs(some) do
      local job = packed and packed[id] or found[i]
      bytes = bytes + #(job or '')
      if job and matches(board, id, job, criteria) then kept[#kept + 1] = id end
    end
  end
  return kept, #ids, bytes
end

return job_filter
