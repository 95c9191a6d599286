-- What a dump has of a job besides its declaration: its counters, its runs, and what it waits for. As an item: name, value,
-- name, value …
--
--   <counter> n        see ledger/job_counters.lua
--   runs text          see ledger/run_texts.lua
--   failing n          how many of its runs in a row have died
--   owner path         the board file whose it is
--   ended ms           when it ended, while `expire-ended` is set
--   waiting due till   the occurrence that waits for other jobs (ms), and its deadline
--   open task          a task that has not ended, of a job with `overlap`
--   met parent         a parent that has ended since its last run; `ending parent …` says how

local fail_option = require('base.errors').fail_option
local key = require('base.keys').key
local digits = require('base.numbers').digits
local ids = require 'job.ids'
local job_counters = require 'ledger.job_counters'
local runs = require 'ledger.runs'
local timers = require 'queue.timers'

local job_state = {}

local function add(item, name, value)
  if value then item[#item + 1], item[#item + 2] = name, value end
end

local function add_counts(board, item, job)
  for i, n in ipairs(redis.call('HMGET', key(board, 'ledger'), unpack(job_counters.fields(job)))) do
    add(item, job_counters.NAMES[i], n)
  end
end

local function add_waiting(board, item, job)
  local due = redis.call('HGET', key(board, 'waiting:due'), job)
  if due then add(item, 'waiting', due .. ' ' .. (redis.call('ZSCORE', key(board, 'waiting'), job) or 'inf')) end
end

-- What only some jobs have.
local function add_tasks_and_parents(board, item, job)
  local open, met, endings = key(board, 'open:' .. job), key(board, 'met:' .. job), key(board, 'endings:' .. job)
  if redis.call('EXISTS', open, met, endings) == 0 then return end
  for _, task in ipairs(redis.call('SMEMBERS', open)) do add(item, 'open', task) end
  for _, parent in ipairs(redis.call('SMEMBERS', met)) do add(item, 'met', parent) end
  local flat = redis.call('HGETALL', endings)
  for i = 1, #flat, 2 do add(item, 'ending', flat[i] .. ' ' .. flat[i + 1]) end
end

-- Return the item of a job, in a list; an empty list if there is nothing.
function job_state.read(board, job)
  local item = { 'job', job }
  add_counts(board, item, job)
  add(item, 'runs', runs.text(board, job))
  add(item, 'failing', redis.call('ZSCORE', key(board, 'failing'), job))
  add(item, 'owner', redis.call('HGET', key(board, 'owners'), job))
  add(item, 'ended', redis.call('ZSCORE', key(board, 'ended'), job))
  add_waiting(board, item, job)
  add_tasks_and_parents(board, item, job)
  return #item > 2 and { item } or {}
end

local NUMBER = '^%d+$'

local function set_score(set)
  return function(board, job, score) redis.call('ZADD', key(board, set), score, job) end
end

local function write_waiting(board, job, text)
  local due, till = text:match('^(%d+) (%w+)$')
  redis.call('HSET', key(board, 'waiting:due'), job, due)
  timers.set(board, 'waiting', job, till == 'inf' and math.huge or tonumber(till))
end

local function write_ending(board, job, text)
  local parent, ending = text:match('^(%S+) (.+)$')
  redis.call('HSET', key(board, 'endings:' .. job), parent, ending)
end

-- What each value must match, and how it is written.
local WRITERS = {
  runs = { '^%l+ [^\n]*\n', function(board, job, text) runs.restore(board, job, text) end },
  failing = { NUMBER, set_score('failing') },
  ended = { NUMBER, set_score('ended') },
  owner = { '.', function(board, job, owner) redis.call('HSET', key(board, 'owners'), job, owner) end },
  waiting = { '^%d+ [%dinf]+$', write_waiting },
  open = { '@', function(board, job, task) redis.call('SADD', key(board, 'open:' .. job), task) end },
  met = { '.', function(board, job, parent) redis.call('SADD', key(board, 'met:' .. job), parent) end },
  ending = { '^%S+ .', write_ending },
}

local function writer_of(name)
  if WRITERS[name] then return unpack(WRITERS[name]) end
  for _, counter in ipairs(job_counters.NAMES) do
    if name == counter then
      return NUMBER, function(board, job, n) redis.call('HSET', key(board, 'ledger'), name .. ' ' .. job, n) end
    end
  end
end

-- Write the values of an item. They replace those of before, so that a job that a dump has twice is not counted twice.
function job_state.write(board, job, values)
  ids.check('id', job)
  local steps = {}
  for i = 1, #values, 2 do
    local pattern, write = writer_of(values[i])
    if not (pattern and values[i + 1] and values[i + 1]:find(pattern)) then
      fail_option('item', 'expected what JDUMP lists of a job, got others')
    end
    steps[#steps + 1] = write
  end
  for i, write in ipairs(steps) do write(board, job, values[2 * i]) end
end

-- Read the dues that backfills of a job have queued, from a position on: see backfill/ran.lua.
function job_state.read_backfilled(board, job, position)
  local first = tonumber(position)
  local flat = redis.call('ZRANGE', key(board, 'backfilled:' .. job), first, first + 499, 'WITHSCORES')
  if #flat == 0 then return {}, nil end
  local item = { 'backfilled', job }
  for i = 1, #flat do item[i + 2] = flat[i] end
  return { item }, #flat == 1000 and digits(first + 500) or nil
end

function job_state.write_backfilled(board, job, values)
  ids.check('id', job)
  local members = {}
  for i = 1, #values, 2 do
    local due, score = values[i], values[i + 1] or ''
    if not (due == 'dropped' or due:find(NUMBER)) or not score:find(NUMBER) then
      fail_option('item', 'expected times in ms')
    end
    members[i], members[i + 1] = score, due
  end
  redis.call('ZADD', key(board, 'backfilled:' .. job), unpack(members))
end

return job_state
