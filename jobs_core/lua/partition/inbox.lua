-- Handles messages from other partitions of the board, each once and in order: see partition/outbox.lua. `{b}:received` maps each
-- partition to the number of its latest message that was handled.

local errors = require 'base.errors'
local key = require('base.keys').key
local digits = require('base.numbers').digits

local inbox = {}

local MAX_COST = 100  -- of one call: what a handler returns, at least 1 for each message

-- What to do with a message of a kind: handler(board, source, word …). It returns what that cost, or nothing for 1.
local HANDLERS = {}

local function unpack_message(packed)
  local is_read, message = pcall(cmsgpack.unpack, packed)
  if not is_read or type(message) ~= 'table' or not HANDLERS[message[3]] or not tonumber(message[1]) then
    errors.fail('OPTION', 'message: expected what JOUTBOX returned')
  end
  return message
end

-- Handle messages. Returns the number of the latest one that was handled, as text.
function inbox.handle(board, source, packed)
  local name, messages = key(board, 'received'), {}
  for i, text in ipairs(packed) do messages[i] = unpack_message(text) end
  local last, left = tonumber(redis.call('HGET', name, digits(source)) or '0'), MAX_COST
  for _, message in ipairs(messages) do
    local number = tonumber(message[1])
    if number > last then
      if left <= 0 then break end
      left = left - (HANDLERS[message[3]](board, source, unpack(message, 4)) or 1)
      last = number
    end
  end
  redis.call('HSET', name, digits(source), digits(last))
  return digits(last)
end

return inbox
