#!lua flags=allow-oom
--[[ JTRIM board queue keep [limit n]

  Drop the oldest tasks of a queue until `keep` remain, those of the lowest priority first; at most `limit` (1000
  unless given) a call. The ledger counts them as cancelled, and as trimmed beside.

    EVALSHA <JTRIM> 1 {jobs} shell 1000

  Answers how many were dropped; call it again while that is `limit`.
  Errors: JOBS OPTION.
--]]
--- @include "command"
--- @include "pairs"
--- @include "room"
--- @include "kept"
--- @include "tally"
--- @include "notes"
--- @include "open_runs"
--- @include "follow"
--- @include "clock"

-- The board's history has no room for so many; whoever waits for one of them is told.
local function tell_waiting(board, task)
  local period = kept_for(task)
  if period then keep_entry(board, task, period, 'attempt', task.attempt, 'what', 'cancelled') end
end

local function drop(board, list, n)
  local records = n > 0 and redis.call('LPOP', list, n) or {}
  for _, record in ipairs(records) do
    local task = read_record(record)
    tally(board, task_job(task.id), 'cancelled', 1)
    close_run(board, task.id)
    make_room(board, task)
    tell_waiting(board, task)
    note_ending(board, task_job(task.id), 'cancelled', clock())
  end
  return #records
end

return command(function()
  local board, queue = KEYS[1], ARGV[1] or ''
  local keep = whole('keep', ARGV[2] or '', 0)
  local limit = whole('limit', read_pairs(ARGV, 3, { limit = true }).limit or '1000', 1)
  local lanes, length = lanes_of(board, queue), 0
  for _, lane in ipairs(lanes) do length = length + redis.call('LLEN', key(board, 'queue:' .. lane)) end
  local excess, dropped = math.min(length - keep, limit), 0
  for i = #lanes, 1, -1 do
    dropped = dropped + drop(board, key(board, 'queue:' .. lanes[i]), excess - dropped)
  end
  count(board, 'trimmed', dropped)
  follow_endings(board)
  return dropped
end)
