#!lua flags=no-writes
--[[ JHOURS board [from time] [now time]

  Count what happened on the board by the hour, oldest first, as JSON. The board keeps 8 days. Each hour has when it began,
  and how many tasks ended done, dead, cancelled or unleased, how many occurrences were skipped or coalesced, and how many
  attempts were lost, or failed with no answer in time; what there was none of is left out. Nothing is counted while the
  board keeps no runs (JRETAIN runs off).

    FCALL_RO JHOURS 1 {jobs}
      1) {"hour":1763899200,"done":1200,"dead":3}

  Errors: JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local hours = require 'ledger.hours'
local instant = require 'time.instant'

return function(board, args)
  local options = arguments.read_options(args, 1, { from = true, now = true })
  local from = options.from and instant.ms('from', options.from, instant.now(options)) or 0
  local found = hours.read(board, from)
  for i, hour in ipairs(found) do found[i] = cjson.encode(hour) end
  return found
end
