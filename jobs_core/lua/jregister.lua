#!lua flags=allow-oom
--[[ JREGISTER board worker runner [runner …]

  Register a worker for some runners. `{b}:runners` maps each runner to the worker seen last, and when. This works when
  memory is full, because workers free memory.

    FCALL JREGISTER 1 {jobs} host-1 shell http

  Returns how many runners were new to the board.
  Errors: JOBS OPTION.
--]]
local clock = require 'base.clock'
local key = require('base.keys').key
local fail = require('base.errors').fail
local digits = require('base.numbers').digits

return function(board, args)
  if #args < 2 then fail('OPTION', 'JREGISTER expects a worker, then at least one runner') end
  local seen = {}
  local stamp = digits(clock.now()) .. ' ' .. args[1]
  for i = 2, #args do
    seen[#seen + 1], seen[#seen + 2] = args[i], stamp
  end
  return redis.call('HSET', key(board, 'runners'), unpack(seen))
end
