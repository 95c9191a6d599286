-- Who serves a board. `{b}:workers` maps each worker to when it was seen last, in ms, and what it reported, as JSON.
-- `{b}:runners` maps each runner to when it was seen last, and by which worker. Both are pruned whenever a new worker or
-- runner appears: only then do they grow.

local arguments = require 'base.arguments'
local errors = require 'base.errors'
local key = require('base.keys').key
local digits = require('base.numbers').digits
local retention = require 'ledger.retention'
local instant = require 'time.instant'

local workers = {}

local MOST = 1000  -- workers, or runners: beyond that, those that have been silent for the longest are forgotten

local STATES = { serving = true, draining = true, ended = true }

local function name_list(text)
  local names = {}
  for name in text:gmatch('%S+') do names[#names + 1] = name end
  return #names > 0 and names or nil
end

-- Read what a worker says of itself. Returns a table without what it does not say, and whether it has ended.
function workers.read_report(options, now)
  local function number(name) return options[name] and arguments.whole_number(name, options[name], 0) end
  local state = options.state
  if state and not STATES[state] then
    errors.fail_option('state', "expected serving, draining or ended, got '" .. state .. "'")
  end
  return {
    host = options.host, pid = number('pid'), queues = options.queues and name_list(options.queues),
    concurrency = number('concurrency'), running = number('running'), ticks = number('ticks'), state = state,
    started = options.started and instant.ms('started', options.started, now) / 1000,
    drift = options.clock and (instant.ms('clock', options.clock, now) - now) / 1000,
  }, state == 'ended'
end

-- Forget the members of a hash that have been silent for too long: each value begins with a time in ms.
local function prune(board, name, now)
  local oldest = now - (retention.bound(board, name) or math.huge)
  local found, seen = redis.call('HGETALL', key(board, name)), {}
  for i = 1, #found, 2 do seen[#seen + 1] = { tonumber(found[i + 1]:match('^%d+')) or 0, found[i] } end
  table.sort(seen, function(a, b) return a[1] < b[1] end)
  for i, pair in ipairs(seen) do
    if #seen - i < MOST and pair[1] >= oldest then return end
    redis.call('HDEL', key(board, name), pair[2])
  end
end

local function note_runners(board, worker, runners, now)
  local seen, stamp = {}, digits(now) .. ' ' .. worker
  for i, runner in ipairs(runners) do seen[2 * i - 1], seen[2 * i] = runner, stamp end
  local new = redis.call('HSET', key(board, 'runners'), unpack(seen))
  if new > 0 then prune(board, 'runners', now) end
  return new
end

-- Note that a worker lives. Returns how many of its runners are new to the board.
function workers.note(board, worker, runners, report, now)
  report.runners = runners
  local text = digits(now) .. ' ' .. cjson.encode(report)
  if redis.call('HSET', key(board, 'workers'), worker, text) == 1 then prune(board, 'workers', now) end
  return note_runners(board, worker, runners, now)
end

function workers.forget(board, worker)
  redis.call('HDEL', key(board, 'workers'), worker)
end

return workers
