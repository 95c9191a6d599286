local layout = require 'base.layout'

local command = {}

-- An error as the one sentence it was written as.
local function error_reply(problem)
  local text = type(problem) == 'table' and problem.err or tostring(problem)
  return redis.error_reply(text:find('^%u+ ') and text or 'JOBS FAULT ' .. text)
end

-- Call a function. Returns what it returns, or its error as a reply.
function command.attempt(body, ...)
  local ok, reply = pcall(body, ...)
  if ok then return reply end
  return error_reply(reply)
end

local function run_body(body, board, args, may_write)
  if not board then error({ err = 'JOBS OPTION a command takes one key, the board, such as {jobs}' }) end
  if layout.is_new(board) and may_write then layout.mark(board) end
  return body(board, args)
end

-- Run a command: its body takes the board and the arguments after it, and returns the reply.
function command.run(body, board, args, may_write)
  return command.attempt(run_body, body, board, args, may_write)
end

return command
