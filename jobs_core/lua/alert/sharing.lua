-- On a board of several partitions, an alert has a home: the partition that the CRC16 of its name chooses. It is put and removed
-- there, and messages tell the others its rule, as it is stored. They have no payloads, since only the home queues the tasks of
-- an alert: see telling.lua.

local deadlines = require 'alert.deadlines'
local rules = require 'alert.rules'
local fail_option = require('base.errors').fail_option
local key = require('base.keys').key
local partition = require 'base.partition'
local outbox = require 'partition.outbox'

local sharing = {}

local AT_ONCE = 1  -- ms: the next tick begins to look for what alerts ask
local COST = 25  -- of a message, in those that concern one job: all rules are read again

-- Reject an alert that has its home in another partition.
function sharing.require_home(board, name)
  local home = partition.elsewhere(name)
  if not home then return end
  fail_option('alert', "the alert '" .. name .. "' belongs to the partition " .. partition.name(board, home) .. ': call that one')
end

-- Tell the other partitions how alerts are now: names, and those of alerts that are gone.
function sharing.tell(board, names)
  if #names == 0 or not partition.current() then return end
  local list = {}
  for i, text in ipairs(redis.call('HMGET', key(board, 'alerts'), unpack(names))) do list[i] = { names[i], text or nil } end
  outbox.send_all(board, 'alerts', list)
end

-- Tell another partition of all alerts that have their home here.
function sharing.resync(board, other)
  local list, flat = {}, redis.call('HGETALL', key(board, 'alerts'))
  for i = 1, #flat, 2 do
    if not partition.elsewhere(flat[i]) then list[#list + 1] = { flat[i], flat[i + 1] } end
  end
  outbox.send(board, other, 'alerts', list, true)
end

-- Add those that have their home in a partition, and are not in the list, to a list of alerts: they are gone.
local function add_gone(board, home, alerts)
  local is_there = {}
  for _, alert in ipairs(alerts) do is_there[alert.name] = true end
  for _, rule in ipairs(rules.all(board)) do
    if partition.elsewhere(rule.name) == home and not is_there[rule.name] then alerts[#alerts + 1] = { name = rule.name } end
  end
end

-- Handle a message: how alerts are now that have their home in another partition; perhaps all of these.
function sharing.receive(board, source, list, are_all)
  local alerts = {}
  for i, one in ipairs(list) do alerts[i] = { name = one[1], rule = one[2] and cjson.decode(one[2]) } end
  if are_all then add_gone(board, source, alerts) end
  rules.write(board, alerts, AT_ONCE)
  for _, alert in ipairs(alerts) do
    if alert.rule then deadlines.begin(board, alert.rule, AT_ONCE) end
  end
  return COST
end

return sharing
