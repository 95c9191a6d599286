-- Handles messages from other partitions of the board, each once and in order: see partition/outbox.lua. `{b}:received` maps each
-- partition to the number of its latest message that was handled.

local reports = require 'alert.reports'
local sharing = require 'alert.sharing'
local telling = require 'alert.telling'
local errors = require 'base.errors'
local key = require('base.keys').key
local lending = require 'limit.lending'
local digits = require('base.numbers').digits
local dependents = require 'due.dependents'
local retention = require 'ledger.retention'
local links = require 'partition.links'
local recovery = require 'partition.recovery'

local inbox = {}

local MAX_COST = 100  -- of one call: what a handler returns, at least 1 for each message

-- What to do with a message of a kind: handler(board, source, word …). It returns what that cost, or nothing for 1.
local HANDLERS = {
  link = links.add, unlink = links.remove,  -- the partition has jobs that wait for these, or no longer has
  follow = dependents.receive,  -- a task of a parent has ended
  check = recovery.check, checked = recovery.checked, resync = recovery.resync,  -- messages may be lost
  alerts = sharing.receive,  -- how alerts are now that have their home there
  tell = telling.receive,  -- an alert that has its home here is to tell something
  noticed = reports.receive, over = reports.receive_end, reports = reports.receive_all,  -- of what is about the whole board
  retain = retention.receive,  -- how much the board keeps
  limit = lending.handlers.limit,  -- a limit that has its home there
  want = lending.handlers.want, lend = lending.handlers.lend, recall = lending.handlers.recall,  -- slots of limits
  ['return'] = lending.handlers['return'], unstarted = lending.handlers.unstarted,
  ask = lending.handlers.ask, report = lending.handlers.report,
}

local function unpack_message(packed)
  local is_read, message = pcall(cmsgpack.unpack, packed)
  if not is_read or type(message) ~= 'table' or not (tonumber(message[1]) and tonumber(message[2]) and HANDLERS[message[3]]) then
    errors.fail_option('message', 'expected what JOUTBOX returned')
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
      if tonumber(message[2]) ~= last then recovery.begin(board, source) end
      left = left - (HANDLERS[message[3]](board, source, unpack(message, 4)) or 1)
      last = number
    end
  end
  redis.call('HSET', name, digits(source), digits(last))
  dependents.queue_ready(board)
  return digits(last)
end

return inbox
