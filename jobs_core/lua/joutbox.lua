#!lua
--[[ JOUTBOX board partition [upto number]

  On a partition of a board: read the oldest messages to another partition. With `upto`, first forget those up to this number,
  which JINBOX of the other partition has returned. Take messages there as they are: they are packed. Whoever ticks does this
  for each partition that JTICK returns, until there are none left.

    FCALL JOUTBOX 1 {jobs.0} 3
      1) "…"
    FCALL JINBOX 1 {jobs.3} 0 "…"
      "1763900005000000"
    FCALL JOUTBOX 1 {jobs.0} 3 upto 1763900005000000
      (empty)

  Returns a list of messages, empty if there are none.
  Errors: JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local partition = require 'base.partition'
local outbox = require 'partition.outbox'

local MAX_MESSAGES, MAX_BYTES = 100, 262144  -- per call

return function(board, args)
  local target = partition.read_other(args[1])
  local options = arguments.read_options(args, 2, { upto = true })
  if options.upto then outbox.drop(board, target, arguments.whole_number('upto', options.upto, 0)) end
  return outbox.oldest(board, target, MAX_MESSAGES, MAX_BYTES)
end
