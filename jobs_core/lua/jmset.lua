#!lua
--[[ JMSET board set|create words id runner payload [option value …] [words id …] …

  Put several jobs in one call, each as JSET (set) or JSETNX (create) would. `words` is how many arguments each
  has. One that is refused keeps none of the others from being put. Put no more than about a hundred at once.

    FCALL JMSET 1 {jobs} set 5 a shell 'echo a' every 5 3 b shell 'echo b'
      1) (integer) 1763900000000
      2) (integer) 0

  Returns, for each job, what JSET would: its next run in ms since the epoch, or 0, or an error.
  Errors: JOBS AGAIN, JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local fail = require('base.errors').fail
local put = require 'define.put'

local MODES = { set = false, create = true }

return function(board, args)
  local create_only = MODES[args[1]]
  if create_only == nil then fail('OPTION', "JMSET expects set or create, got '" .. (args[1] or '') .. "'") end
  return put.apply_all(board, arguments.split_groups(args, 2), create_only)
end
