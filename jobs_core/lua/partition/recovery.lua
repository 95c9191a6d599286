-- After a failover, or a restart that lost the latest writes, a partition may lack messages that it has sent, or handled: then
-- it and the other partition tell each other what they need to know anew (resync). Two things show it:
--
--   a gap    each message has the number of the message before it, which must be the latest one that its receiver has handled
--   a check  if another process of Redis serves a partition than at its latest tick (`{b}:server` has its id), the partition
--            asks each of the others for a message: that shows a gap on either side
--
-- An ending whose message is lost is what a failover may lose: see docs/guides/machines.md.

local reports = require 'alert.reports'
local sharing = require 'alert.sharing'
local key = require('base.keys').key
local partition = require 'base.partition'
local retention = require 'ledger.retention'
local lending = require 'limit.lending'
local links = require 'partition.links'
local outbox = require 'partition.outbox'

local recovery = {}

-- What tells another partition anew what it needs to know of this one: resync(board, other). Doing so twice does no harm.
local RESYNCS = { links.resync, lending.resync, sharing.resync, reports.resync, retention.resync }

-- Handle a message: tell a partition anew what it needs to know.
function recovery.resync(board, other)
  for _, resync in ipairs(RESYNCS) do resync(board, other) end
end

-- Messages between this partition and another one are lost: both tell each other anew.
function recovery.begin(board, other)
  recovery.resync(board, other)
  outbox.send(board, other, 'resync')
end

-- Handle a message: answer with one.
function recovery.check(board, source)
  outbox.send(board, source, 'checked')
end

-- Handle a message that has only asked for a look at its number.
function recovery.checked() end

local function server_id()
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and info:match('run_id:(%x+)')
end

-- Look for gaps, if another process serves this partition now.
function recovery.check_server(board)
  local number, count = partition.current()
  local id = number and server_id()
  local known = id and redis.call('GET', key(board, 'server'))
  if known == id then return end
  redis.call('SET', key(board, 'server'), id)
  if not known then return end
  for other = 0, count - 1 do
    if other ~= number then outbox.send(board, other, 'check') end
  end
end

return recovery
