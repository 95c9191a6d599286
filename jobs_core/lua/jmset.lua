#!lua
--[[ JMSET board set|create [by who] [because text] words id runner payload [option value …] [words id …] …

  Put several jobs in one call, each as JSET (set) or JSETNX (create) does. `words` is the number of arguments of each
  job. A rejected job does not affect the others. Put at most about a hundred jobs at once. `by` and `because` say who puts
  all of them, and why: see JCHANGES.

    FCALL JMSET 1 {jobs} set by ann@host 5 a shell 'echo a' every 5 3 b shell 'echo b'
      1) (integer) 1763900000000
      2) (integer) 0

  Returns a list: for each job its next run in ms since the epoch, 0 if it has none, or an error.
  Errors: JOBS AGAIN, JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local fail = require('base.errors').fail
local put = require 'define.put'
local changes = require 'ledger.changes'

local MODES = { set = false, create = true }

return function(board, args)
  local create_only = MODES[args[1]]
  if create_only == nil then fail('OPTION', "JMSET expects set or create, got '" .. (args[1] or '') .. "'") end
  local first = arguments.first_other(args, 2, changes.OPTIONS)
  local author = changes.author(arguments.read_pairs(args, 2, first - 1, changes.OPTIONS))
  return put.apply_all(board, arguments.split_groups(args, first), create_only, author)
end
