-- Limits of queues and runners on a board of several partitions. A limit has a home, the partition that the CRC16 of its name
-- chooses (runner:http). The home lends slots and starts to the others, so that a task starts wherever there is one, and
-- never more than the limit allows: the sum of what is lent never exceeds it. Places in a queue with a max-length are slots of
-- the limit length:<queue>, which waiting tasks occupy. The home has a share like any other partition.
--
-- Messages (see partition/outbox.lua) carry amounts to add. That is exact, as each is handled once and in order:
--
--   home -> partition   limit      the limit is set, or removed: say what you use
--                       lend       slots and starts to use, and whether others wait
--                       recall     others wait: return the slots that you do not use, and those beyond a number as they become
--                                  free; or: nobody waits any more
--   partition -> home   report     answers limit: what is in use here. Before it, the home lends nothing
--                       want       more slots or starts are needed here, or fewer
--                       return     slots
--                       unstarted  starts that were not used in time
--                       ask        tell me of a limit again: messages were lost
--
-- A start that is lent has an end of its time, and counts from then on, so no period ever has too many. A partition that others
-- do not wait for keeps its slots: a board that is busy everywhere sends no messages.

local clock = require 'base.clock'
local key = require('base.keys').key
local partition = require 'base.partition'
local settings = require 'limit.settings'
local shares = require 'limit.shares'
local home = require 'limit.home'
local rates = require 'limit.rates'
local outbox = require 'partition.outbox'

local lending = {}

local MAX_STARTS = 1000  -- of tasks that run when a rate is set, in one message

-- Whether partitions share a limit. That of a job is where the job is.
function lending.is_shared(name)
  return partition.current() ~= nil and not name:find('^job:')
end

local function is_home(name)
  return shares.home(name) == partition.current()
end

-- Send a message, or handle it at once if it is for this partition.
local function tell(board, target, kind, ...)
  if target == partition.current() then return lending.handlers[kind](board, target, ...) end
  outbox.send(board, target, kind, ...)
end

local function report(board, name, version, starts)
  local used = shares.begin(board, name)
  if not settings.find(board, name) then return end
  tell(board, shares.home(name), 'report', name, version, used, unpack(starts, 1, math.min(#starts, MAX_STARTS)))
end

-- How to handle a message of each kind: see above.
lending.handlers = {
  limit = function(board, _, name, version, text, most, now)
    local starts = settings.set(board, name, text ~= '-' and text or nil, most ~= '-' and most or nil, tonumber(now))
    for i, one in ipairs(settings.names(name)) do report(board, one, version, i == 1 and starts or {}) end
    lending.settle(board, name)
  end,
  report = function(board, source, name, version, slots, ...) home.report(board, source, name, version, slots, tell, ...) end,
  want = function(board, source, name, slots, starts) home.want(board, source, name, slots, starts, tell) end,
  lend = function(board, _, name, slots, starts, expiry, keep) shares.lend(board, name, slots, starts, expiry, keep) end,
  recall = function(board, _, name, keep) shares.recall(board, name, keep, tell) end,
  ['return'] = function(board, source, name, slots) home.take_back(board, source, name, slots, tell) end,
  unstarted = function(board, _, name, ...) home.unstarted(board, name, { ... }) end,
  ask = function(board, source, name) home.announce(board, name, source, clock.now(), tell) end,
}

-- Measure how many more tasks a limit lets run, and start, in this partition.
function lending.measure(board, limit, now)
  local share, at_home = shares.read(board, limit.name) or { slots = 0 }, is_home(limit.name)
  limit.is_lent = not at_home
  if limit.concurrency then
    if at_home then home.take_free(board, limit.name, share) end
    limit.slots = share.slots - shares.used(board, limit.name)
  end
  if limit.n then
    limit.starts = shares.starts(board, limit.name, now, tell)
    if at_home then
      local own, opens = home.own_starts(board, limit, now)
      limit.starts, limit.at = limit.starts + own, opens
    end
  end
  return limit
end

-- Count a start under a limit. The home needs not be lent one.
function lending.note_start(board, limit, now)
  shares.note_start(board, limit)
  if limit.n and not shares.use_start(board, limit.name) and is_home(limit.name) then
    rates.add(key(board, 'rate:' .. limit.name), now, limit)
  end
end

-- Return slots if others wait for them, and ask for what tasks here need.
function lending.settle(board, name)
  if lending.is_shared(name) then shares.settle(board, name, tell) end
end

-- Return how many tasks may wait in a queue with a max-length in this partition.
function lending.places(board, queue)
  local name = 'length:' .. queue
  local share = shares.read(board, name) or { slots = 0 }
  if is_home(name) then home.take_free(board, name, share) end
  return share.slots
end

-- Whether a run that is due should wait for a place in its queue. Until a second after asking for one, the home may answer.
function lending.awaits_place(board, queue, now)
  local name = 'length:' .. queue
  shares.request(board, name, tell)
  return shares.is_patient(board, name, now)
end

-- Ask for what tasks that wait for a limit need.
function lending.request(board, name)
  if lending.is_shared(name) then shares.request(board, name, tell) end
end

-- A task that is held by one of its limits keeps the slots that it has of limits before that one, and none of later ones. So two
-- tasks never wait for each other's slots.
function lending.note_held(board, found, full)
  if not partition.current() then return end
  local is_before = true
  for _, limit in ipairs(found) do
    if limit == full then
      is_before = false
    elseif limit.concurrency and lending.is_shared(limit.name) then
      if is_before then
        shares.promise(board, limit.name, 1)
      else
        shares.break_promise(board, limit.name, tell)
      end
    end
  end
end

-- Tasks that a limit held are on their way to a worker.
function lending.note_admitted(board, name, n)
  if n > 0 and lending.is_shared(name) then shares.promise(board, name, n) end
end

-- Whether this partition has asked for something that it has not been lent yet.
function lending.is_asking(board, name)
  local share = lending.is_shared(name) and shares.read(board, name)
  return share and (share.wants > 0 or share.wants_starts > 0)
end

-- Lend starts of a rate that opens. Returns when there are more, if some are wanted.
function lending.open(board, name, now)
  if lending.is_shared(name) and is_home(name) then return home.balance(board, name, tell, now) end
end

-- Let all partitions know of a limit that is set here, its home.
function lending.announce(board, name, now)
  if not partition.current() then return end
  local version = home.announce(board, name, nil, now, tell)
  for _, one in ipairs(settings.names(name)) do report(board, one, version, {}) end
end

-- Look at what was lent, at a tick.
function lending.tick(board, now)
  if not partition.current() then return end
  local flat = redis.call('HGETALL', key(board, 'shares'))
  for i = 1, #flat, 2 do shares.tick(board, flat[i], cmsgpack.unpack(flat[i + 1]), now, tell) end
end

-- Exchange with another partition what was lent, since messages between the two are lost.
function lending.resync(board, other)
  local own, seen = partition.current(), {}
  local function visit(name)
    if seen[name] then return end
    seen[name] = true
    local place = shares.home(name)
    if place == own then home.announce(board, name, other, clock.now(), tell) end
    if place == other then tell(board, other, 'ask', name) end
  end
  for _, name in ipairs(redis.call('HKEYS', key(board, 'limits'))) do visit(name) end
  for _, queue in ipairs(redis.call('HKEYS', key(board, 'lengths'))) do visit('queue:' .. queue) end
end

return lending
