#!lua flags=no-writes
--[[ JGAPS board [from time] [to time] [now time]

  Read what happened to time, oldest first, as JSON. The board keeps the last 1,000.

    idle    nobody ticked from one time to another, while something was due: no worker ran, or Redis did not
    clock   Redis's clock went back, from one time to another

    FCALL_RO JGAPS 1 {jobs} from 1763900000
      1) {"what":"idle","from":1763900005,"to":1763900065}

  Times are in epoch seconds. `from` and `to` choose those that reach into this span.
  Errors: JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local describe = require 'job.describe'
local gaps = require 'ledger.gaps'
local instant = require 'time.instant'

local NAMES = { from = true, to = true, now = true }

return function(board, args)
  local options = arguments.read_options(args, 1, NAMES)
  local now = instant.now(options)
  local from = options.from and instant.ms('from', options.from, now) or 0
  local found = gaps.read(board, from, options.to and instant.ms('to', options.to, now) or math.huge)
  for i, gap in ipairs(found) do
    found[i] = cjson.encode({ what = gap.what, from = describe.seconds(gap.from), to = describe.seconds(gap.to) })
  end
  return found
end
