-- Puts and removes the jobs of a committed board file, a limited number per call. `{b}:rolling:jobs` has, under the empty
-- id, the owner of the file, the time its stage began, who committed it, and why. Relative times in the file count from
-- then.

local command = require 'base.command'
local key = require('base.keys').key
local digits = require('base.numbers').digits
local dependencies = require 'define.dependencies'
local put = require 'define.put'
local removal = require 'define.removal'
local history = require 'ledger.history'

local roll_forward = {}

local MAX_JOBS, MAX_BYTES = 100, 1048576  -- per call: jobs, and bytes of old and new jobs
local LINK_COST = 1000  -- writing a dependency takes as long as copying this many bytes

local function link_cost(job)
  return LINK_COST * (#dependencies.parents(job.head) + #dependencies.parents(job.old))
end

-- Put a staged job. It was valid when it was staged, but something it depends on, such as a time zone, may have changed
-- since: then record the error in the history and continue. Returns the size in bytes.
local function put_staged(context, id, args, owner)
  local board, size = context.board, 0
  local reply = command.attempt(function()
    local job = put.read(context, args, false)
    size = #job.body + #(job.old_body or '') + link_cost(job)
    return put.store(context, job)
  end)
  if type(reply) == 'table' then
    history.append(board, id .. '@' .. digits(context.now), 0, 'refused', { 'note', (reply.err:gsub('^JOBS %u+ ', '')) })
  else
    redis.call('HSET', key(board, 'owners'), id, owner)
  end
  return size
end

local function apply_change(context, id, staged, owner)
  if staged ~= '' then return put_staged(context, id, cmsgpack.unpack(staged), owner) end
  local size = redis.call('HSTRLEN', key(context.board, 'job'), id)
  removal.remove_job(context.board, id, context.changed)
  redis.call('HDEL', key(context.board, 'owners'), id)
  return size
end

-- Put or remove the next jobs. Returns how many are left.
function roll_forward.step(board)
  local ids, jobs = key(board, 'rolling'), key(board, 'rolling:jobs')
  local header = redis.call('HGET', jobs, '')
  if not header then return 0 end
  local owner, now, by, because = unpack(cmsgpack.unpack(header))
  local context, bytes, n = put.context(board, now, { by = by or '-', because = because }), 0, 0
  while n < MAX_JOBS and bytes < MAX_BYTES do
    local id = redis.call('LPOP', ids)
    if not id then break end
    bytes = bytes + apply_change(context, id, redis.call('HGET', jobs, id), owner)
    redis.call('HDEL', jobs, id)
    n = n + 1
  end
  put.write_all(context, 'apply', owner)
  local left = redis.call('LLEN', ids)
  if left == 0 then redis.call('DEL', jobs) end
  return left
end

return roll_forward
