local call_number = require 'base.call_number'
local confirmation = require 'base.confirmation'
local fail = require('base.errors').fail
local layout = require 'base.layout'
local names = require 'base.names'

local command = {}

-- Return an error as a reply. An error without a code of its own is a fault in Jobs.
local function error_reply(problem)
  local text = type(problem) == 'table' and problem.err or tostring(problem)
  return redis.error_reply(text:find('^%u+ ') and text or 'JOBS FAULT ' .. text)
end

-- Call a function. Returns its result, or its error as a reply.
function command.attempt(body, ...)
  local ok, reply = pcall(body, ...)
  if ok then return reply end
  return error_reply(reply)
end

local function run_body(body, board, args, may_write)
  if not board then fail('OPTION', 'a command takes one key, the board, such as {jobs}') end
  if not board:find('^{[^{}]+}$') then
    fail('OPTION', "the key must be the board's name in braces, such as {jobs}, got '" .. board .. "'")
  end
  if layout.is_new(board) and may_write then
    names.check_visible('board', board)
    names.check_segment('board', board:sub(2, -2))
    layout.mark(board)
  end
  confirmation.begin()
  local reply = body(board, args)
  if may_write then confirmation.leave_mark(board, reply) end
  return reply
end

-- Run a command. Its body takes the board and the remaining arguments, and returns the reply.
function command.run(body, board, args, may_write)
  call_number.begin()
  return command.attempt(run_body, body, board, args, may_write)
end

return command
