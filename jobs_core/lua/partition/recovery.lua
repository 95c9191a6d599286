-- After a failover, or a restart that lost the latest writes, a partition may lack messages that it has sent, or handled: then
-- it and the other partition tell each other what they need to know anew (resync). Two things show it:
--
--   a gap    each message has the number of the message before it, which is the latest one that its receiver has handled
--   a check  a partition that another process of Redis serves than at its latest tick (`{b}:server` has the id of that) asks
--            the others whether the messages are still to come that it has not handled
--
-- An ending whose message is lost is what a failover may lose: see docs/guides/machines.md.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local partition = require 'base.partition'
local lending = require 'limit.lending'
local links = require 'partition.links'
local outbox = require 'partition.outbox'

local recovery = {}

-- What tells another partition anew what it needs to know of this one: resync(board, other). Doing so twice does no harm.
local RESYNCS = { links.resync, lending.resync }

-- Handle a message: tell a partition anew what it needs to know.
function recovery.resync(board, other)
  for _, resync in ipairs(RESYNCS) do resync(board, other) end
end

-- Messages between this partition and another one are lost: both tell each other anew.
function recovery.begin(board, other)
  recovery.resync(board, other)
  outbox.send(board, other, 'resync')
end

-- Handle a message: a partition has handled the messages up to a number.
function recovery.check(board, source, handled)
  local oldest, latest = outbox.expected(board, source)
  if tonumber(handled) < oldest or tonumber(handled) > latest then recovery.begin(board, source) end
end

local function server_id()
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and info:match('run_id:(%x+)')
end

-- Let other partitions check what this one has handled, if another process serves it now.
function recovery.check_server(board)
  local number, count = partition.current()
  local id = number and server_id()
  local known = id and redis.call('GET', key(board, 'server'))
  if known == id then return end
  redis.call('SET', key(board, 'server'), id)
  if not known then return end
  for other = 0, count - 1 do
    if other ~= number then
      outbox.send(board, other, 'check', redis.call('HGET', key(board, 'received'), digits(other)) or '0')
    end
  end
end

return recovery
