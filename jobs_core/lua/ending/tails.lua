-- `{b}:tails` has the end of what each task printed. Workers send it with their reports: for each attempt a line a<attempt>,
-- then the lines that it printed, each after o (standard output) or e (standard error). `{b}:tails:order` lists the tasks,
-- oldest first, and `tails` in `{b}:stats` has the bytes of all, which are bounded.

local key = require('base.keys').key
local strings = require 'base.strings'
local retention = require 'ledger.retention'
local run_lines = require 'ledger.run_lines'
local runs = require 'ledger.runs'

local tails = {}

local MOST_EVICTED = 100  -- tasks whose tails one call removes

local function add_size(board, n)
  return redis.call('HINCRBY', key(board, 'stats'), 'tails', n)
end

-- Remove the tails of some tasks. Returns how many bytes they had.
local function remove(board, ids)
  local freed = 0
  for _, id in ipairs(ids) do freed = freed + redis.call('HSTRLEN', key(board, 'tails'), id) end
  if freed > 0 then
    redis.call('HDEL', key(board, 'tails'), unpack(ids))
    add_size(board, -freed)
  end
  return freed
end

-- Remove the tails of the runs that are kept of a job.
function tails.remove_of_job(board, job)
  if redis.call('EXISTS', key(board, 'tails')) == 0 then return end
  local _, lines = runs.read(board, job)
  local ids = {}
  for _, line in ipairs(lines or {}) do
    local run = run_lines.read(job, line)
    if run and run.task then ids[#ids + 1] = run.task end
  end
  remove(board, ids)
end

-- Remove the oldest tails, until the others fit.
local function evict(board, total)
  local bound, order = retention.bound(board, 'tails-bytes') or math.huge, key(board, 'tails:order')
  for _ = 1, MOST_EVICTED do
    local oldest = total > bound and redis.call('LPOP', order)
    if not oldest then return end
    total = total - remove(board, { oldest })
  end
end

-- Keep what an attempt at a task printed, after what earlier attempts did. The beginning is cut if it is too much.
function tails.add(board, id, text)
  local most = retention.bound(board, 'tail-bytes') or 0
  if most == 0 or text == '' then return end
  local old = redis.call('HGET', key(board, 'tails'), id)
  if old then text = old .. '\n' .. text else redis.call('RPUSH', key(board, 'tails:order'), id) end
  text = strings.cut_start(text, most)
  redis.call('HSET', key(board, 'tails'), id, text)
  evict(board, add_size(board, #text - #(old or '')))
end

return tails
