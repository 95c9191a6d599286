-- Alerts about jobs without a good run for some time: `silent`. Each job of such an alert has a deadline, `silent <alert>
-- <job>` in `{b}:deadlines`. An ending does not move it. At the deadline, it is put off if there was a good run since.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local incidents = require 'alert.incidents'
local matching = require 'alert.matching'
local rules = require 'alert.rules'
local scope = require 'alert.scope'
local describe = require 'job.describe'
local packed_job = require 'job.packed_job'
local runs = require 'ledger.runs'
local timers = require 'queue.timers'

local silence = {}

local KINDS = { silent = true }
local PAGE = 100  -- jobs that one step arms
local MAX_TIMES = 1000  -- arguments of one ZADD
local RECHECK, SPREAD = 10000, 10  -- ms until a job that is silent is looked at again, at least, and for each that is open

local function member(rule, job)
  return 'silent ' .. rule.name .. ' ' .. job
end

-- Set deadlines: time, member, time, member …; but not to later than they are. Returns an empty list.
local function set_earlier(board, times)
  if #times > 0 then redis.call('ZADD', key(board, 'deadlines'), 'LT', unpack(times)) end
  return {}
end

-- Give jobs the deadlines of an alert, or bring them forward, if it asks for less time than before.
local function arm(board, rule, condition, jobs, now)
  local times = {}
  for _, job in ipairs(jobs) do
    if scope.covers(board, rule, job) then
      times[#times + 1], times[#times + 2] = digits(now + condition.ms), member(rule, job)
    end
  end
  set_earlier(board, times)
end

-- A job is put. `context` is that of define/put.lua.
function silence.add_put(context, job, now)
  if context.silent == nil then context.silent = rules.least(context.board, 'silent') and {} or false end
  if not context.silent then return end
  context.silent[#context.silent + 1], context.silent_from = job, now
end

-- The jobs are stored, with their labels.
function silence.note_put(context)
  local jobs, now, times = context.silent, context.silent_from, {}
  if not jobs or #jobs == 0 then return end
  for _, job in ipairs(jobs) do
    for _, pair in ipairs(matching.find(context.board, KINDS, job)) do
      times[#times + 1], times[#times + 2] = digits(now + pair[2].ms), member(pair[1], job)
      if #times >= MAX_TIMES then times = set_earlier(context.board, times) end
    end
  end
  set_earlier(context.board, times)
  context.silent = {}
end

-- Give some more jobs of the board the deadlines of an alert. `cursor` is where the last step ended, or nothing. Returns where
-- to go on, or nothing.
function silence.arm_some(board, rule, cursor, now)
  local condition, named = rules.condition(rule, 'silent'), scope.named_jobs(rule)
  if not condition then return nil end
  if named then
    local known = {}
    for _, job in ipairs(named) do
      if redis.call('HEXISTS', key(board, 'job'), job) == 1 then known[#known + 1] = job end
    end
    arm(board, rule, condition, known, now)
    return nil
  end
  local page, jobs = redis.call('HSCAN', key(board, 'job'), cursor or '0', 'COUNT', PAGE), {}
  for i = 1, #page[2], 2 do jobs[#jobs + 1] = page[2][i] end
  arm(board, rule, condition, jobs, now)
  return page[1] ~= '0' and page[1] or nil
end

-- Remove some deadlines of alerts that are gone. Returns where to go on, or nothing.
function silence.disarm_some(board, cursor)
  local page, known = redis.call('ZSCAN', key(board, 'deadlines'), cursor, 'MATCH', 'silent *', 'COUNT', PAGE), {}
  for i = 1, #page[2], 2 do
    local entry = page[2][i]
    local name = entry:match('^silent (%S+) ')
    if known[name] == nil then
      local rule = rules.find(board, name)
      known[name] = rule ~= nil and rules.condition(rule, 'silent') ~= nil
    end
    if not known[name] then
      redis.call('ZREM', key(board, 'deadlines'), entry)
      redis.call('HDEL', key(board, 'alerts:counted'), entry)
    end
  end
  return page[1] ~= '0' and page[1] or nil
end

-- Return when the last good run of a job ended (ms), or nothing; or else, if the board keeps no runs of it, how many there were.
local function last_good(board, job)
  local found = runs.read_ends(board, { job })[1]
  if found.header then return found.header.last_done and found.header.last_done * 1000 end
  return nil, tonumber(redis.call('HGET', key(board, 'ledger'), 'done ' .. job) or 0)
end

-- Return why a job is not expected to run: it is paused, or it has ended and had a good run. Nothing if it is.
local function why_unexpected(board, job, head, has_run)
  local state = describe.state(board, job, head, redis.call('ZSCORE', key(board, 'schedule'), job))
  return (state == 'paused' or state == 'ended' and has_run) and state or nil
end

-- Return when a job that is silent is looked at again. When many are, each is looked at less often.
local function recheck_at(board, condition, now)
  return now + math.max(math.min(RECHECK, condition.ms), SPREAD * redis.call('HLEN', key(board, 'alerting')))
end

-- Return when the last good run of a job ended, or nothing. If the board keeps no runs of it, that is now if there were any
-- since the deadline before. Returns also whether there was ever one.
local function good_until(board, rule, job, now)
  local good, count = last_good(board, job)
  if not count then return good, good ~= nil end
  local counted = redis.call('HGET', key(board, 'alerts:counted'), member(rule, job))
  redis.call('HSET', key(board, 'alerts:counted'), member(rule, job), count)
  return count > tonumber(counted or 0) and now or nil, count > 0
end

-- What was told of a job is over. `why` says so if that is no good run.
local function close(board, rule, condition, job, now, why)
  incidents.close(board, rule, condition, job, { job = job, why = why }, now)
end

-- The deadline of a job has come. Returns the next (ms), or nothing if there is none.
local function check(board, rule, condition, job, now)
  local packed = redis.call('HGET', key(board, 'job'), job)
  local head = packed and packed_job.unpack(packed)
  if not head then return nil end
  if not scope.covers(board, rule, job) then return close(board, rule, condition, job, now, 'scope') end
  local good, has_run = good_until(board, rule, job, now)
  if good and good + condition.ms > now then
    close(board, rule, condition, job, now)
    return good + condition.ms
  end
  local why = why_unexpected(board, job, head, has_run)
  if why then
    close(board, rule, condition, job, now, why)
    return now + condition.ms
  end
  if not good and rule.since + condition.ms > now then return rule.since + condition.ms end
  incidents.fire(board, rule, condition, job, { job = job, since = (good or now - condition.ms) / 1000 }, now)
  return recheck_at(board, condition, now)
end

-- Handle a deadline: what comes after `silent `.
function silence.expire(board, text, now)
  local name, job = text:match('^(%S+) (.*)$')
  local rule = name and rules.find(board, name)
  local condition = rule and rules.condition(rule, 'silent')
  local following = condition and check(board, rule, condition, job, now)
  local entry = 'silent ' .. text
  if following then return timers.set(board, 'deadlines', entry, following) end
  redis.call('ZREM', key(board, 'deadlines'), entry)
  redis.call('HDEL', key(board, 'alerts:counted'), entry)
end

return silence
