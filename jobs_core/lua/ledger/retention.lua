-- How much a board keeps. Each bound has a default; `{b}:settings` has, under its name, another number or `off`.
-- Durations are kept in ms.

local key = require('base.keys').key
local partition = require 'base.partition'
local outbox = require 'partition.outbox'

local retention = {}

retention.DEFAULTS = {
  ['dead-letters'] = 10000, ['history-bytes'] = 67108864, changes = 10000, ['changes-bytes'] = 16777216,
  workers = 86400000, runners = 604800000,
  ['dead-age'] = 'off', durable = 'off', ['expire-ended'] = 'off', runs = 20, ['runs-bytes'] = 268435456,
  ['tail-bytes'] = 4096, ['tails-bytes'] = 67108864,
}
retention.DURATIONS = { ['dead-age'] = true, ['expire-ended'] = true, workers = true, runners = true }

-- Returns the text of a bound, a number or off, from what the settings have under its name.
local function text_of(name, kept)
  return kept and (kept == 'off' or tonumber(kept)) and kept or retention.DEFAULTS[name]
end

-- Returns the text of a bound: a number, or off.
function retention.text(board, name)
  return text_of(name, redis.call('HGET', key(board, 'settings'), name))
end

-- Returns a bound that was read from the settings, as a number, or nothing if there is none.
function retention.number(name, kept)
  return tonumber(text_of(name, kept))
end

-- Returns a bound as a number, or nothing if there is none.
function retention.bound(board, name)
  return tonumber(retention.text(board, name))
end

-- Set bounds: a text for each name, or default.
function retention.set(board, bounds)
  for name, text in pairs(bounds) do
    if text == 'default' then
      redis.call('HDEL', key(board, 'settings'), name)
    else
      redis.call('HSET', key(board, 'settings'), name, text)
    end
  end
end

-- Handle a message: the partition that sets them for the whole board has set bounds.
function retention.receive(board, _, bounds)
  retention.set(board, bounds)
end

-- Tell another partition all bounds, if this is the one that sets them.
function retention.resync(board, other)
  if partition.current() ~= 0 then return end
  local bounds = {}
  for name in pairs(retention.DEFAULTS) do bounds[name] = redis.call('HGET', key(board, 'settings'), name) or 'default' end
  outbox.send(board, other, 'retain', bounds)
end

return retention
