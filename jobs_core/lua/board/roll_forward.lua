-- Puts and removes the jobs and alerts of a committed board file, a limited number per call. `{b}:rolling:jobs` has, under the
-- empty id, the owner of the file, the time its stage began, who committed it, and why. Relative times in the file count from
-- then.

local alerts = require 'alert.put'
local command = require 'base.command'
local key = require('base.keys').key
local digits = require('base.numbers').digits
local dependencies = require 'define.dependencies'
local put = require 'define.put'
local removal = require 'define.removal'
local ids = require 'job.ids'
local history = require 'ledger.history'

local roll_forward = {}

local MAX_JOBS, MAX_BYTES = 100, 1048576  -- per call: jobs, and bytes of old and new jobs
local LINK_COST = 1000  -- writing a dependency takes as long as copying this many bytes
local ALERT_COST = 104858  -- and so does writing an alert: ten per call

local function link_cost(job)
  return LINK_COST * (#dependencies.parents(job.head) + #dependencies.parents(job.old))
end

-- Do what was staged. It was valid then, but something it depends on, such as a time zone, may have changed since: then
-- record the error in the history and continue.
local function attempt(context, id, act)
  local reply = command.attempt(act)
  if type(reply) == 'table' then
    local note = reply.err:gsub('^JOBS %u+ ', '')
    history.append(context.board, id .. '@' .. digits(context.now), 0, 'refused', { 'note', note })
  end
end

-- Put a staged job. Returns the size in bytes.
local function put_job(context, id, args, owner)
  local size = 0
  attempt(context, id, function()
    local job = put.read(context, args, false)
    size = #job.body + #(job.old_body or '') + link_cost(job)
    put.store(context, job)
    redis.call('HSET', key(context.board, 'owners'), id, owner)
    return 0
  end)
  return size
end

local function remove_job(context, id)
  local size = redis.call('HSTRLEN', key(context.board, 'job'), id)
  removal.remove_job(context.board, id, context.changed)
  redis.call('HDEL', key(context.board, 'owners'), id)
  return size
end

-- Add a staged alert to those that this step writes together. Returns its cost in bytes.
local function add_alert(context, id, name, args, owner)
  if not args then
    table.insert(context.alerts, { name = name })
  else
    attempt(context, id, function()
      local alert = alerts.read(context.board, args)
      alert.rule.owner = owner
      table.insert(context.alerts, alert)
      return 0
    end)
  end
  return ALERT_COST
end

local function apply_change(context, id, staged, owner)
  local args, alert = staged ~= '' and cmsgpack.unpack(staged) or nil, ids.alert_name(id)
  if alert then return add_alert(context, id, alert, args, owner) end
  if args then return put_job(context, id, args, owner) end
  return remove_job(context, id)
end

-- Put or remove the next jobs and alerts. Returns how many are left.
function roll_forward.step(board)
  local list, jobs = key(board, 'rolling'), key(board, 'rolling:jobs')
  local header = redis.call('HGET', jobs, '')
  if not header then return 0 end
  local owner, now, by, because = unpack(cmsgpack.unpack(header))
  local context, bytes, n = put.context(board, now, { by = by or '-', because = because }), 0, 0
  context.alerts = {}
  while n < MAX_JOBS and bytes < MAX_BYTES do
    local id = redis.call('LPOP', list)
    if not id then break end
    bytes = bytes + apply_change(context, id, redis.call('HGET', jobs, id), owner)
    redis.call('HDEL', jobs, id)
    n = n + 1
  end
  put.write_all(context, 'apply', owner)
  alerts.write(board, context.alerts, context.author, now)
  local left = redis.call('LLEN', list)
  if left == 0 then redis.call('DEL', jobs) end
  return left
end

return roll_forward
