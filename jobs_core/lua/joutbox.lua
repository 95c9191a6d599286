#!lua
--[[ JOUTBOX board [partition] [upto number]

  On a partition of a board: read the oldest messages to another partition. With `upto`, first forget those up to this number,
  which JINBOX of the other partition has returned. Take messages there as they are: they are packed. Whoever ticks does this
  for each partition that JTICK returns, until there are none left.

  Without a partition: list the partitions for which there are messages, each with the number of the latest one. Whoever puts
  jobs with `after` takes the messages up to these numbers there, so that the parents know of them. If the client ends before
  that, a tick does it.

    FCALL JOUTBOX 1 {jobs.0} 3
      1) "…"
    FCALL JINBOX 1 {jobs.3} 0 "…"
      "1763900005000000"
    FCALL JOUTBOX 1 {jobs.0} 3 upto 1763900005000000
      (empty)
    FCALL JOUTBOX 1 {jobs.0}
      1) "3"
      2) "1763900005000000"

  Returns a list of messages, or of partitions and numbers. It is empty if there are no messages.
  Errors: JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local partition = require 'base.partition'
local outbox = require 'partition.outbox'

local MAX_MESSAGES, MAX_BYTES = 100, 262144  -- per call

return function(board, args)
  if #args == 0 then return outbox.latest(board) end
  local target = partition.read_other(args[1])
  local options = arguments.read_options(args, 2, { upto = true })
  if options.upto then outbox.drop(board, target, arguments.whole_number('upto', options.upto, 0)) end
  return outbox.oldest(board, target, MAX_MESSAGES, MAX_BYTES)
end
