#!lua
--[[ JMSET board set|create words id runner payload [option value …] [words id …] …

  Put several jobs in one call, each as JSET (set) or JSETNX (create) does. `words` is the number of arguments of each
  job. A rejected job does not affect the others. Put at most about a hundred jobs at once.

    FCALL JMSET 1 {jobs} set 5 a shell 'echo a' every 5 3 b shell 'echo b'
      1) (integer) 1763900000000
      2) (integer) 0

  Returns a list: for each job its next run in ms since the epoch, 0 if it has none, or an error.
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
