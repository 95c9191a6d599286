-- Messages to other partitions of the board. Whoever ticks takes them there: see JOUTBOX and JINBOX. A partition handles each
-- message once, and those from one partition in order.
--
--   {b}:outbox              a hash: the number of the latest message to each partition
--   {b}:outbox:<partition>  a list: the messages to a partition that it may not have handled yet, oldest first, packed:
--                           { number, the number of the message before, kind, word … }
--   {b}:outgoing            a set: the partitions with such messages
--
-- Numbers are based on the time (µs since the epoch), so they grow even if a failover has lost the latest messages.

local key = require('base.keys').key
local digits = require('base.numbers').digits
local layout = require 'base.layout'
local clock = require 'base.clock'
local wake = require 'queue.wake'

local outbox = {}

local function list_of(board, target)
  return key(board, 'outbox:' .. digits(target))
end

-- Send a message to another partition: its kind, and the words that the kind has.
function outbox.send(board, target, kind, ...)
  local before = tonumber(redis.call('HGET', key(board, 'outbox'), digits(target)) or '0')
  local number = math.max(before + 1, clock.now() * 1000)
  redis.call('RPUSH', list_of(board, target), cmsgpack.pack({ digits(number), digits(before), kind, ... }))
  redis.call('HSET', key(board, 'outbox'), digits(target), digits(number))
  redis.call('SADD', key(board, 'outgoing'), digits(target))
  wake.clock(board)
end

-- Send a message to all other partitions, if the board has any.
function outbox.send_all(board, kind, ...)
  local number, count = layout.partition()
  for other = 0, (count or 0) - 1 do
    if other ~= number then outbox.send(board, other, kind, ...) end
  end
end

-- Return the numbers of the partitions for which there are messages, as text.
function outbox.targets(board)
  if not layout.partition() then return {} end
  local found = redis.call('SMEMBERS', key(board, 'outgoing'))
  table.sort(found)
  return found
end

-- Return the partitions for which there are messages, each with the number of the latest one, as text.
function outbox.latest(board)
  local found = {}
  for _, target in ipairs(outbox.targets(board)) do
    found[#found + 1], found[#found + 2] = target, redis.call('HGET', key(board, 'outbox'), target)
  end
  return found
end

-- Forget the messages to a partition up to a number.
function outbox.drop(board, target, upto)
  local list = list_of(board, target)
  while true do
    local packed = redis.call('LINDEX', list, 0)
    if not packed or tonumber(cmsgpack.unpack(packed)[1]) > upto then break end
    redis.call('LPOP', list)
  end
  if redis.call('EXISTS', list) == 0 then redis.call('SREM', key(board, 'outgoing'), digits(target)) end
end

-- Return the oldest messages to a partition, packed, up to a number of them and about so many bytes.
function outbox.oldest(board, target, most, bytes)
  local found = {}
  for _, packed in ipairs(redis.call('LRANGE', list_of(board, target), 0, most - 1)) do
    bytes = bytes - #packed
    if bytes < 0 and #found > 0 then break end
    found[#found + 1] = packed
  end
  return found
end

return outbox
