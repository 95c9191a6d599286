-- Alerts about jobs without a good run for some time: `silent`. Each job of such an alert has a deadline, `silent <alert>
-- <job>` in `{b}:deadlines`. An ending does not move it. At the deadline, it is put off if there was a good run since.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local incidents = require 'alert.incidents'
local rules = require 'alert.rules'
local scope = require 'alert.scope'
local packed_job = require 'job.packed_job'
local runs = require 'ledger.runs'
local timers = require 'queue.timers'

local silence = {}

local PAGE = 100  -- jobs that one step arms
local RECHECK = 10000  -- ms until a job that is silent is looked at again

local function member(rule, job)
  return 'silent ' .. rule.name .. ' ' .. job
end

-- Give jobs the deadlines of an alert, or bring them forward, if it asks for less time than before.
local function arm(board, rule, condition, jobs, now)
  local times = {}
  for _, job in ipairs(jobs) do
    if scope.covers(board, rule, job) then
      times[#times + 1], times[#times + 2] = digits(now + condition.ms), member(rule, job)
    end
  end
  if #times > 0 then redis.call('ZADD', key(board, 'deadlines'), 'LT', unpack(times)) end
end

-- A job is put. `context` is that of define/put.lua.
function silence.add_put(context, job, now)
  if context.silent == nil then context.silent = rules.least(context.board, 'silent') and {} or false end
  if not context.silent then return end
  context.silent[#context.silent + 1], context.silent_from = job, now
end

-- The jobs are stored, with their labels.
function silence.note_put(context)
  local jobs = context.silent
  if not jobs or #jobs == 0 then return end
  for _, pair in ipairs(rules.with(context.board, { silent = true })) do
    arm(context.board, pair[1], pair[2], jobs, context.silent_from)
  end
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

-- Return whether a job is paused, or nothing if it is gone.
local function is_paused(board, job)
  local packed = redis.call('HGET', key(board, 'job'), job)
  local head = packed and packed_job.unpack(packed)
  if not head then return nil end
  return head.paused ~= nil
end

-- The deadline of a job has come. Returns the next (ms), or nothing if there is none.
local function check(board, rule, condition, job, now)
  local paused = is_paused(board, job)
  if paused == nil or not scope.covers(board, rule, job) then return nil end
  local good, count = last_good(board, job)
  local counted = redis.call('HGET', key(board, 'alerts:counted'), member(rule, job))
  if count then redis.call('HSET', key(board, 'alerts:counted'), member(rule, job), count) end
  if count and (not counted or tonumber(counted) < count) and count > 0 then good = now end
  if good and good + condition.ms > now then
    incidents.close(board, rule, condition, job, { job = job }, now)
    return good + condition.ms
  end
  if paused then return now + condition.ms end
  incidents.fire(board, rule, condition, job, { job = job, since = (good or now - condition.ms) / 1000 }, now)
  return now + math.min(RECHECK, condition.ms)
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
