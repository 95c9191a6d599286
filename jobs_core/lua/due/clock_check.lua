-- Redis's clock may go back: set by hand or by NTP, or after a failover to a machine whose clock is behind. Jobs
-- scheduled by the wrong time would then wait too long. So `ticked` in `{b}:stats` has the time of the latest tick: to the
-- second while tasks move or run, else to 10 seconds, so that an idle board is seldom written. After a tick that is more than
-- a few seconds earlier, the next run of every job is recomputed, a page per tick. `{b}:realign` is the cursor.

local key = require('base.keys').key
local patterns = require 'cron.patterns'
local realign = require 'define.realign'
local gaps = require 'ledger.gaps'
local history = require 'ledger.history'
local digits = require('base.numbers').digits

local clock_check = {}

local TOLERANCE = 10000  -- ms that the clock may go back without a recomputation
local BUSY_INTERVAL, IDLE_INTERVAL = 1000, 10000  -- ms between updates of `ticked`
local PAGE_SIZE = 100  -- jobs per tick

local function record_step_back(board, now, last)
  redis.call('HSET', key(board, 'stats'), 'ticked', digits(now), 'clock_back_at', digits(now),
    'clock_back_by', digits(last - now))
  redis.call('SET', key(board, 'realign'), '0')
  gaps.add(board, 'clock', last, now)
  history.append(board, 'clock@' .. digits(now), 0, 'clock', { 'note', 'Redis went back by ' .. (last - now) / 1000 .. ' s' })
end

-- Move only runs that would come earlier.
local function is_earlier(_, due, found)
  return found ~= nil and found < due
end

-- Return the time of the latest recorded tick, or 0.
function clock_check.latest_tick(board)
  return tonumber(redis.call('HGET', key(board, 'stats'), 'ticked') or 0)
end

-- Record the time of a tick. `is_busy` says whether tasks moved or run.
function clock_check.record_tick(board, last, now, is_busy)
  local interval = is_busy and BUSY_INTERVAL or IDLE_INTERVAL
  if now - last >= interval then redis.call('HSET', key(board, 'stats'), 'ticked', digits(now)) end
end

-- Whether the clock has gone back since the latest tick.
function clock_check.went_back(last, now)
  return last - now > TOLERANCE
end

-- Compare the time of a tick with the latest one. Returns whether jobs are left to recompute.
function clock_check.run(board, last, now)
  if clock_check.went_back(last, now) then record_step_back(board, now, last) end
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
