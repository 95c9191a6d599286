#!lua flags=no-writes
--[[ JBACKFILLS board [backfill …]

  Read backfills by their numbers, or all that the board keeps: those under way, and the latest 100 that have ended.

    FCALL_RO JBACKFILLS 1 {jobs} 1
      1) {"id":"1","job":"report","state":"running","from":1793491200,"to":1796083200,"order":"earliest","concurrency":1,
          "occurrences":30,"ran":4,"unknown":0,"total":26,"left":19,"running":1,"done":6,"dead":0,"cancelled":0,…}

  `state` is planning, running, cancelling, done or cancelled. Times are in epoch seconds. Of its `occurrences`, some `ran`, or
  were queued already, and of some it is `unknown`; `total` are its tasks: left to queue, queued or running, done, dead,
  cancelled, and unleased. If the job was removed, `removed` is true. Returns nothing for a number without a backfill.
  Errors: JOBS OPTION.
--]]
local key = require('base.keys').key
local backfills = require 'backfill.backfills'
local describe = require 'job.describe'

local NAMES = {
  'id', 'job', 'state', 'order', 'concurrency', 'occurrences', 'ran', 'unknown', 'total', 'running', 'done', 'dead', 'cancelled',
  'unleased', 'with_unknown', 'removed',
}
local TIMES = { 'from', 'to', 'began', 'ended' }

local function json(board, id)
  local backfill = backfills.read(board, id)
  if not backfill then return false end
  local found = { left = redis.call('LLEN', backfills.dues_key(board, id)) }
  for _, name in ipairs(NAMES) do found[name] = backfill[name] end
  for _, name in ipairs(TIMES) do found[name] = describe.seconds(backfill[name]) end
  return cjson.encode(found)
end

local function all(board)
  local ids = redis.call('HKEYS', key(board, 'backfills'))
  table.sort(ids, function(a, b) return tonumber(a) < tonumber(b) end)
  return ids
end

return function(board, args)
  local found = {}
  for i, id in ipairs(#args > 0 and args or all(board)) do found[i] = json(board, id) end
  return found
end
