-- What a dump has of the last lines that tasks printed: see ending/tails.lua.

local fail_option = require('base.errors').fail_option
local key = require('base.keys').key
local digits = require('base.numbers').digits
local items = require 'dump.items'
local tails = require 'ending.tails'

local tail_state = {}

-- Return a page of items, and the next cursor. A task that was evicted has none any more.
function tail_state.page(board, cursor)
  local found, following = items.page(items.position(cursor), function(position, n)
    local tasks = redis.call('LRANGE', key(board, 'tails:order'), position, position + n - 1)
    local texts = #tasks > 0 and redis.call('HMGET', key(board, 'tails'), unpack(tasks)) or {}
    local page = {}
    for i, task in ipairs(tasks) do page[i] = { 'tail', task, texts[i] or '' } end
    return page
  end)
  return found, following and digits(following) or '0'
end

function tail_state.write(board, task, values)
  if not values[1] then fail_option('item', 'expected what a task printed, got nothing') end
  tails.add(board, task, values[1])
end

return tail_state
