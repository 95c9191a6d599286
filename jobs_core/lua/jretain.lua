#!lua
--[[ JRETAIN board [dead-letters n] [dead-age duration] [durable n] [expire-ended duration] [history-bytes n]
      [workers duration] [runners duration] [runs n] [runs-bytes n] [changes n] [changes-bytes n] [tail-bytes n]
      [tails-bytes n] [by who] [because text]

  Set how much a board keeps. `off` removes a bound, `default` restores it.

    dead-letters    how many dead letters: the oldest are purged (10000)
    dead-age        how long a dead letter is kept (off)
    durable         how many replicas must have what a client wrote before it counts (off): clients call WAIT
    expire-ended    how long a job stays after its last run (off); jobs that ended before this was set stay
    history-bytes   how many bytes the large entries of the history take, those of more than 1 KiB (67108864)
    workers         how long a worker is listed after its last report (1d)
    runners         how long a runner is known after it was last registered (7d)
    tail-bytes      how many bytes of what each task printed last are kept (4096); `off` keeps none
    tails-bytes     how many bytes of that all tasks take: the oldest are removed (67108864)
    runs            how many runs are kept of each job (20, at most 1000); `off`: none, and ticks remove those that are kept
    runs-bytes      how many bytes the runs of all jobs take (268435456)
    changes         about how many entries JCHANGES has (10000); off: changes are not recorded
    changes-bytes   how many bytes the large ones of these take, those of more than 1 KiB (16777216)

  `by` and `because` say who sets it, and why: see JCHANGES.

    FCALL JRETAIN 1 {jobs} dead-letters 5000 expire-ended 30d

  On a board with partitions, call the first, {jobs.0}, which tells the others in messages (see JOUTBOX). The numbers are of each
  partition.

  Returns all bounds, as name and number pairs, with durations in ms and `off` where there is none.
  Errors: JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local errors = require 'base.errors'
local digits = require('base.numbers').digits
local partition = require 'base.partition'
local changes = require 'ledger.changes'
local retention = require 'ledger.retention'
local outbox = require 'partition.outbox'
local duration = require 'time.duration'

local MAX_RUNS = 1000

local function as_kept(name, text)
  if text == 'off' or text == 'default' then return text end
  if retention.DURATIONS[name] then return digits(duration.ms(name, text)) end
  local n = arguments.whole_number(name, text, 0)
  if name == 'runs' and n > MAX_RUNS then errors.fail_option(name, 'expected at most ' .. MAX_RUNS .. ', got ' .. text) end
  return digits(n)
end

local function as_number(text)
  return tonumber(text) or text
end

-- What the whole board keeps is set in its first partition.
local function require_first_partition(board)
  if (partition.current() or 0) == 0 then return end
  errors.fail('OPTION', 'what a board keeps is set in its partition ' .. partition.name(board, 0) .. ': call that one')
end

return function(board, args)
  local options = arguments.read_options(args, 1, retention.DEFAULTS, changes.OPTIONS)
  local author, before, after = changes.author(options), {}, {}
  for name in pairs(changes.OPTIONS) do options[name] = nil end
  for name, text in pairs(options) do options[name] = as_kept(name, text) end
  if next(options) then
    require_first_partition(board)
    outbox.send_all(board, 'retain', options)
  end
  for name in pairs(options) do before[name] = as_number(retention.text(board, name)) end
  retention.set(board, options)
  for name in pairs(options) do
    local new = as_number(retention.text(board, name))
    if before[name] == new then before[name] = nil else after[name] = new end
  end
  if next(after) then changes.record(board, 'retain', author, { before = before, after = after }) end
  local names, bounds = {}, {}
  for name in pairs(retention.DEFAULTS) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do
    bounds[2 * i - 1], bounds[2 * i] = name, as_number(retention.text(board, name))
  end
  return bounds
end
