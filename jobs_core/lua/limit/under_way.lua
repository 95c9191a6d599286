-- A limit or an overlap rule that is set while tasks run counts these tasks. They started without it, so it has to find
-- them first.

local key = require('base.keys').key
local numbers = require 'base.numbers'
local packed_job = require 'job.packed_job'
local limits = require 'limit.limits'
local attempts = require 'queue.attempts'
local lanes = require 'queue.lanes'
local leases = require 'queue.leases'
local open_runs = require 'queue.open_runs'
local records = require 'queue.records'

local under_way = {}

local MAX_LEASED = 20000  -- tasks that one call looks through; the earliest leases come first
local MAX_BYTES = 4194304  -- of the records that one call reads
local READ_SIZE = 100  -- records per read

-- Return the tokens of leased tasks by job, for a call that puts jobs.
function under_way.tokens_by_job(board)
  local found = {}
  for _, token in ipairs(redis.call('ZRANGE', key(board, 'leased'), 0, MAX_LEASED - 1)) do
    local id = records.id_of_token(token)
    local job = id and records.job_of(id)
    if job then
      found[job] = found[job] or {}
      table.insert(found[job], token)
    end
  end
  return found
end

-- Count tasks under a limit: those that run, and when they started, as far as the rate's period goes. Returns these times.
local function count(board, limit, running, starts, now)
  if limit.concurrency and #running > 0 then redis.call('SADD', key(board, 'running:' .. limit.name), unpack(running)) end
  local found = {}
  if not limit.n then return found end
  table.sort(starts)
  for _, start in ipairs(starts) do
    if start > now - limit.period then found[#found + 1] = numbers.digits(start) end
  end
  for _, start in ipairs(found) do redis.call('RPUSH', key(board, 'rate:' .. limit.name), start) end
  redis.call('PEXPIRE', key(board, 'rate:' .. limit.name), numbers.digits(limit.period + 1000))
  return found
end

local function since(task)
  local _, start = attempts.current(task)
  return start
end

-- Put a job's limit into the record of a running task, so that its end frees the slot.
local function add_limit(board, token, task, options)
  local _, payload = packed_job.split_body(task.body)
  task.options.concurrency, task.options.rate = options.concurrency, options.rate
  task.body = cjson.encode(task.options) .. '\n' .. payload
  if not task.flags:find('r', 1, true) then task.flags = task.flags .. 'r' end
  redis.call('HSET', key(board, 'task'), token, leases.write(task))
end

-- Count the running tasks of a job whose put adds `overlap`, `concurrency` or `rate`. `options` are the worker's options.
function under_way.count_job(board, id, tokens, overlap, options, now)
  local limit = limits.of_job({ id = id .. '@0', options = options })
  local running, starts = {}, {}
  for _, token in ipairs(tokens) do
    local task = leases.find(board, token)
    if task then
      running[#running + 1], starts[#starts + 1] = token, since(task)
      if overlap then open_runs.add(board, id, task.id) end
      if limit then add_limit(board, token, task, options) end
    end
  end
  if limit then count(board, limit, running, starts, now) end
end

-- Count the running tasks of a queue or runner that gets a limit. Returns when they started, as far as its rate counts that.
function under_way.count_shared(board, limit, now)
  local tokens = redis.call('ZRANGE', key(board, 'leased'), 0, MAX_LEASED - 1)
  local running, starts, bytes = {}, {}, 0
  for first = 1, #tokens, READ_SIZE do
    if bytes > MAX_BYTES then break end
    local some = { unpack(tokens, first, math.min(first + READ_SIZE - 1, #tokens)) }
    for i, stored in ipairs(redis.call('HMGET', key(board, 'task'), unpack(some))) do
      bytes = bytes + #(stored or '')
      local task = leases.read(stored)
      if task and (limit.name == 'runner:' .. task.runner or limit.name == 'queue:' .. lanes.split(task.lane)) then
        running[#running + 1], starts[#starts + 1] = some[i], since(task)
      end
    end
    if #running > 1000 then
      count(board, { name = limit.name, concurrency = limit.concurrency }, running, {}, now)
      running = {}
    end
  end
  return count(board, limit, running, starts, now)
end

return under_way
