local fail = require('base.errors').fail

local layout = {}

-- The version of the keys and packed values, as in `{b}:layout`. Increase it with any change that an older or newer
-- version of Jobs would misread.
layout.VERSION = '5'

-- The partition that the board of this call is, or nothing: see base/partition.lua.
local partition

-- The partitions that layouts are, as far as they were read.
local partitions = {}

-- A board without a layout is new if it has no keys. In a cluster it may also be in a slot that is still moving to this
-- node, so there only `jobs init` creates a board.
local function require_new(board)
  if redis.call('EXISTS', board .. ':stats', board .. ':job') > 0 then
    fail('LAYOUT', 'the board ' .. board .. ' was made by an older version of Jobs: '
      .. 'run `jobs dump` with that version, and `jobs load` with this one under another name')
  end
  local info = redis.pcall('INFO', 'cluster')
  if type(info) == 'string' and info:find('cluster_enabled:1', 1, true) then
    local name = board:find('%.%d+}$') and 'NAME' or board:sub(2, -2)  -- it may be a partition, which nobody makes alone
    fail('AGAIN', 'this node has no board ' .. board .. ': run `jobs init --board ' .. name .. '` to make it, '
      .. 'or try again later if its slot is moving here')
  end
end

-- The layout of a partition is `5 3/16`: the fourth of 16, which are numbered from 0. That of the board as a whole is
-- `5 of 16`, and it has no other keys of the engine.
local function read_partition(board, found)
  local version, number, count = found:match('^(%d+) (%d*)[/of ]+(%d+)$')
  if version ~= layout.VERSION then return nil end
  if number ~= '' then return { number = tonumber(number), count = tonumber(count) } end
  local name = board:sub(2, -2)
  fail('LAYOUT', 'the board ' .. board .. ' has ' .. count .. ' partitions, {' .. name .. '.0} to {' .. name .. '.'
    .. count - 1 .. '}: call the one that has the job')
end

-- Reject a board with another layout. Returns whether the board is new.
function layout.is_new(board)
  local found = redis.call('GET', board .. ':layout')
  partition = nil
  if found == layout.VERSION then return false end
  if not found then
    require_new(board)
    return true
  end
  partition = partitions[found] or read_partition(board, found)
  if partition then
    partitions[found] = partition
    return false
  end
  fail('LAYOUT', 'the board ' .. board .. ' has layout ' .. found .. ', but this version of Jobs reads layout '
    .. layout.VERSION .. ': use the version that made the board')
end

function layout.mark(board)
  redis.call('SET', board .. ':layout', layout.VERSION)
end

-- Return the number of the partition that the board of this call is, from 0, and how many there are; nothing for a board that
-- has no partitions.
function layout.partition()
  if partition then return partition.number, partition.count end
end

return layout
