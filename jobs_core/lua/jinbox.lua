#!lua
--[[ JINBOX board partition message [message …]

  On a partition of a board: handle messages that JOUTBOX of another partition has returned, in their order. A message that was
  handled before is left out, so messages may be delivered twice. See JOUTBOX.

    FCALL JINBOX 1 {jobs.3} 0 "…"
      "1763900005000000"

  Returns the number of the latest message that was handled. Messages after it are left to the next call.
  Errors: JOBS AGAIN while a board file is being applied; JOBS OPTION.
--]]
local apply_state = require 'base.apply_state'
local errors = require 'base.errors'
local partition = require 'base.partition'
local inbox = require 'partition.inbox'

return function(board, args)
  local source = partition.read_other(args[1])
  if not args[2] then errors.fail('OPTION', 'JINBOX expects a partition, and the messages that JOUTBOX returned') end
  apply_state.require_no_pending_apply(board)
  return inbox.handle(board, source, { unpack(args, 2) })
end
