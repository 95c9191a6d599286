-- Redis's clock may be put back: by hand, by NTP, by a fail-over to a machine whose clock is behind. Jobs whose runs went
-- ahead with the wrong time would wait until it comes again. So the time of the latest tick that moved something is kept,
-- in `{b}:stats` under `ticked`; a tick that is before it by more than a few seconds has every job's next run worked out
-- again, some at each tick. `{b}:realign` says how far that is.

local key = require('base.keys').key
local patterns = require 'cron.patterns'
local realign = require 'define.realign'
local history = require 'ledger.history'
local digits = require('base.numbers').digits

local clock_check = {}

local TOLERANCE = 10000  -- ms that a clock may go back unnoticed: what waits so long is late, no more
local RECORD_INTERVAL = 1000  -- ms after which the latest tick is noted again
local PAGE_SIZE = 100  -- jobs that one tick looks at

local function record_step_back(board, now, last)
  redis.call('HSET', key(board, 'stats'), 'ticked', digits(now), 'clock_back_at', digits(now),
    'clock_back_by', digits(last - now))
  redis.call('SET', key(board, 'realign'), '0')
  history.append(board, 'clock@' .. digits(now), 0, 'clock', { 'note', 'Redis went back by ' .. (last - now) / 1000 .. ' s' })
end

-- A run that the clock had carried ahead comes earlier; others stay as they are.
local function is_earlier(_, due, found)
  return found ~= nil and found < due
end

local function latest_tick(board)
  return tonumber(redis.call('HGET', key(board, 'stats'), 'ticked') or 0)
end

-- A tick has moved something: note its time, now and then.
function clock_check.record_tick(board, now)
  if now - latest_tick(board) >= RECORD_INTERVAL then redis.call('HSET', key(board, 'stats'), 'ticked', digits(now)) end
end

-- Compare the time of a tick with the latest. Returns whether the clock has gone back and work is left.
function clock_check.run(board, now)
  local last = latest_tick(board)
  if last - now > TOLERANCE then record_step_back(board, now, last) end
  local cursor = redis.call('GET', key(board, 'realign'))
  if not cursor then return false end
  cursor = realign.page(board, cursor, PAGE_SIZE, now, patterns.new_cache(board), is_earlier)
  if cursor == '0' then
    redis.call('DEL', key(board, 'realign'))
    return false
  end
  redis.call('SET', key(board, 'realign'), cursor)
  return true
end

return clock_check
