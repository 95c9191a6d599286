#!lua
--[[ JRETAIN board [dead-letters n] [dead-age duration] [expire-ended duration] [history-bytes n] [workers duration]
      [runners duration] [runs n] [runs-bytes n]

  Set how much a board keeps. `off` removes a bound, `default` restores it.

    dead-letters    how many dead letters: the oldest are purged (10000)
    dead-age        how long a dead letter is kept (off)
    expire-ended    how long a job stays after its last run (off); jobs that ended before this was set stay
    history-bytes   how many bytes the large entries of the history take, those of more than 1 KiB (67108864)
    workers         how long a worker is listed after its last report (1d)
    runners         how long a runner is known after it was last registered (7d)
    runs            how many runs are kept of each job (20, at most 1000); `off` removes those that are kept
    runs-bytes      how many bytes the runs of all jobs take (268435456)

    FCALL JRETAIN 1 {jobs} dead-letters 5000 expire-ended 30d

  Returns all bounds, as name and number pairs, with durations in ms and `off` where there is none.
  Errors: JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local fail_option = require('base.errors').fail_option
local key = require('base.keys').key
local digits = require('base.numbers').digits
local retention = require 'ledger.retention'
local runs = require 'ledger.runs'
local duration = require 'time.duration'

local MAX_RUNS = 1000

local function as_kept(name, text)
  if text == 'off' or text == 'default' then return text end
  if retention.DURATIONS[name] then return digits(duration.ms(name, text)) end
  local n = arguments.whole_number(name, text, 0)
  if name == 'runs' and n > MAX_RUNS then fail_option(name, 'expected at most ' .. MAX_RUNS .. ', got ' .. text) end
  return digits(n)
end

local function set_bound(board, name, text)
  if text == 'default' then
    redis.call('HDEL', key(board, 'settings'), name)
  else
    redis.call('HSET', key(board, 'settings'), name, text)
  end
  if name == 'runs' and retention.bound(board, name) == nil then runs.remove_all(board) end
end

return function(board, args)
  local options = arguments.read_options(args, 1, retention.DEFAULTS)
  for name, text in pairs(options) do options[name] = as_kept(name, text) end
  for name, text in pairs(options) do set_bound(board, name, text) end
  local names, bounds = {}, {}
  for name in pairs(retention.DEFAULTS) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do
    local text = retention.text(board, name)
    bounds[2 * i - 1], bounds[2 * i] = name, tonumber(text) or text
  end
  return bounds
end
