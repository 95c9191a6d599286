-- A board may be spread over partitions: boards {jobs.0} to {jobs.15} behind the name jobs. A job is in the partition that the
-- CRC16 of its id chooses, and so are its tasks, as their ids and tokens begin with that of the job. What a partition numbers
-- itself leads back to it, too: one-off tasks (push:<n>@…), tasks of alerts (alert:<name>@<due>-<n>) and backfills (<n>) have
-- numbers that leave the partition's own number as the remainder of a division by how many partitions there are.

local crc16 = require 'base.crc16'
local fail_option = require('base.errors').fail_option
local layout = require 'base.layout'

local partition = {}

-- Return the number of this partition, from 0, and how many there are; nothing if the board has none.
partition.current = layout.partition

-- Return the partition of a name: the id of a job, or a limit such as runner:http.
local function place_of(name, count)
  return crc16.of(name) % count
end

-- Return the partition of the board that has a job, or a limit.
function partition.place(name)
  local _, count = partition.current()
  return place_of(name, count)
end

-- Return the partition that has a job, or a limit, if it is another one than this; nothing otherwise.
function partition.elsewhere(name)
  local number, count = partition.current()
  if not number then return nil end
  local place = place_of(name, count)
  if place ~= number then return place end
end

-- Return the name of the board, also for its partitions.
function partition.board_name(board)
  local name = board:sub(2, -2)
  return partition.current() and name:match('^(.*)%.%d+$') or name
end

-- Return the name of a partition of the board, such as {jobs.3}.
function partition.name(board, number)
  return '{' .. partition.board_name(board) .. '.' .. number .. '}'
end

local function reject(board, place, option, what, advice)
  fail_option(option, what .. ' belongs to the partition ' .. partition.name(board, place) .. ': ' .. advice)
end

-- Reject a job that belongs to another partition.
function partition.require_own(board, id)
  local place = partition.elsewhere(id)
  if place then reject(board, place, 'id', "the job '" .. id .. "'", 'put it there') end
end

-- Reject a limit that belongs to another partition.
function partition.require_own_limit(board, name)
  local place = partition.elsewhere(name)
  if place then reject(board, place, 'limit', "the limit '" .. name .. "'", 'set it there') end
end

-- Read the number of another partition of the board.
function partition.read_other(text)
  local number, count = partition.current()
  local other = text and text:match('^%d+$') and tonumber(text)
  if number and other and other < count and other ~= number then return other end
  local expected = number and 'another number from 0 to ' .. count - 1 or 'a board with partitions'
  fail_option('partition', 'expected ' .. expected .. ", got '" .. (text or '') .. "'")
end

-- Return a number that leads back to this partition, from one that this partition has not used before.
function partition.numbered(n)
  local number, count = partition.current()
  return number and n * count + number or n
end

return partition
