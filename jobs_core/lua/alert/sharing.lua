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

local COST = 25  -- of a message, in those that concern one job: all rules are read again

-- Reject an alert that has its home in another partition.
function sharing.require_home(board, name)
  local home = partition.elsewhere(name)
  if not home then return end
  fail_option('alert', "the alert '" .. name .. "' belongs to the partition " .. partition.name(board, home) .. ': call that one')
end

-- Tell the other partitions how alerts are now: names, and those of alerts that are gone.
function sharing.tell(board, names, now)
  if #names == 0 or not partition.current() then return end
  local list = {}
  for i, text in ipairs(redis.call('HMGET', key(board, 'alerts'), unpack(names))) do list[i] = { names[i], text or nil } end
  outbox.send_all(board, 'alerts', now, list)
end

-- Handle a message: how alerts are now, whose home is another partition.
function sharing.receive(board, _, now, list)
  local alerts = {}
  for i, one in ipairs(list) do alerts[i] = { name = one[1], rule = one[2] and cjson.decode(one[2]) } end
  rules.write(board, alerts, now)
  for _, alert in ipairs(alerts) do
    if alert.rule then deadlines.begin(board, alert.rule, now) end
  end
  return COST
end

return sharing
