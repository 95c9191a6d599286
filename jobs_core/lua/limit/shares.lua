-- What a partition has been lent of the limits of queues and runners: see limit/lending.lua.
--
--   {b}:shares  a hash: for each limit, packed: `slots`, those lent to this partition; `wants` and `wants_starts`, how many more
--               it has asked for; `promised`, slots kept for tasks on their way to a worker; `quiet`, since when (ms) nothing
--               has moved, as ticks have seen it; `keep`, if others wait: every slot beyond that is returned; `asked`, since
--               when (ms) a run that is due waits for a place
--   {b}:lent-starts:<limit>
--               a list: until when each start that was lent may be used (ms), oldest first

local key = require('base.keys').key
local digits = require('base.numbers').digits
local partition = require 'base.partition'
local settings = require 'limit.settings'
local waiters = require 'limit.waiters'

local shares = {}

local PATIENCE = 1000  -- ms that a partition keeps slots for tasks that no worker takes
local MOST_STARTS = 100  -- starts that one message returns

function shares.read(board, name)
  local packed = redis.call('HGET', key(board, 'shares'), name)
  return packed and cmsgpack.unpack(packed) or nil
end

function shares.write(board, name, share)
  redis.call('HSET', key(board, 'shares'), name, cmsgpack.pack(share))
end

-- Return the partition that lends a limit.
function shares.home(name)
  return partition.place((name:gsub('^length:', 'queue:')))
end

-- Return how many slots tasks occupy: those that run, or wait in a queue.
function shares.used(board, name)
  local queue = name:match('^length:(.*)$')
  if queue then return waiters.most_in_queue(board, queue) or math.huge end
  return redis.call('SCARD', key(board, 'running:' .. name))
end

local function starts_key(board, name)
  return key(board, 'lent-starts:' .. name)
end

-- Remove the starts that may no longer be used. Returns until when they might.
local function take_expired(board, name, now)
  local found = {}
  while #found < MOST_STARTS do
    local oldest = redis.call('LINDEX', starts_key(board, name), 0)
    if not oldest or tonumber(oldest) > now then break end
    found[#found + 1] = redis.call('LPOP', starts_key(board, name))
  end
  return found
end

-- Return how many starts this partition may use now. Expired ones go back to the home.
function shares.starts(board, name, now, tell)
  local expired = take_expired(board, name, now)
  if #expired > 0 then tell(board, shares.home(name), 'unstarted', name, unpack(expired)) end
  if #expired == MOST_STARTS then return 0 end
  return redis.call('LLEN', starts_key(board, name))
end

-- Use a start. Returns whether there was one.
function shares.use_start(board, name)
  return redis.call('LPOP', starts_key(board, name)) and true or false
end

local function unused_slots(board, name, share, limit)
  return limit.concurrency and share.slots - shares.used(board, name) or math.huge
end

-- Return how many more to ask for, or to ask for no longer. A partition asks again when it wants twice as many.
local function growth(wanted, asked)
  if wanted == 0 or asked == 0 or wanted >= 2 * asked then return wanted - asked end
  return 0
end

-- Ask the home for what the tasks that wait need.
function shares.request(board, name, tell)
  local share, limit = shares.read(board, name), settings.find(board, name)
  if not (share and limit) then return end
  local n = name:find('^length:') and 1 or waiters.count(board, name)
  local unused, slots, starts = unused_slots(board, name, share, limit), 0, 0
  if limit.concurrency then slots = math.max(0, math.min(n - math.max(0, unused), limit.concurrency - share.slots)) end
  if limit.n then
    starts = math.max(0, math.min(n, unused, limit.n) - redis.call('LLEN', starts_key(board, name)))
  end
  slots, starts = growth(slots, share.wants), growth(starts, share.wants_starts)
  if slots == 0 and starts == 0 then return end
  share.wants, share.wants_starts = share.wants + slots, share.wants_starts + starts
  shares.write(board, name, share)
  tell(board, shares.home(name), 'want', name, digits(slots), digits(starts))
end

-- Return how many slots a partition has for which it has no use, or that others should have by now.
local function surplus(board, name, share, limit, is_quiet)
  if not share.keep then return 0 end
  local unused = unused_slots(board, name, share, limit)
  local idle = unused - (is_quiet and 0 or share.promised)
  if not is_quiet and waiters.count(board, name) > 0 then idle = math.min(idle, share.slots - share.keep) end
  return math.max(0, idle)
end

-- Take back slots that are not needed here. Returns how many.
function shares.take_surplus(board, name, share, is_quiet)
  local limit = settings.find(board, name)
  if not (limit and limit.concurrency) then return 0 end
  local n = surplus(board, name, share, limit, is_quiet)
  share.slots = share.slots - n
  return n
end

-- Return slots to the home if others wait for them, and ask for what is needed.
function shares.settle(board, name, tell, is_quiet)
  local share = shares.read(board, name)
  if not share then return end
  local n = shares.take_surplus(board, name, share, is_quiet)
  if n > 0 then
    shares.write(board, name, share)
    tell(board, shares.home(name), 'return', name, digits(n))
  end
  if not (is_quiet or name:find('^length:')) then shares.request(board, name, tell) end
end

-- Whether the home may still answer what this partition has asked for.
function shares.is_patient(board, name, now)
  local share = shares.read(board, name)
  if not share or share.wants == 0 then return false end
  if not share.asked then
    share.asked = now
    shares.write(board, name, share)
  end
  return now < share.asked + PATIENCE
end

-- Note that a task starts under a limit.
function shares.note_start(board, limit)
  local share = limit.concurrency and shares.read(board, limit.name)
  if not share or share.promised == 0 and not share.quiet then return end
  share.promised, share.quiet = math.max(0, share.promised - 1), nil
  shares.write(board, limit.name, share)
end

-- Keep slots for tasks that are on their way to a worker, or to another limit. Those that were just lent are kept already.
function shares.promise(board, name, n)
  local share = shares.read(board, name)
  if not share then return end
  share.promised, share.quiet = math.min(math.max(share.promised, n), share.slots), nil
  shares.write(board, name, share)
end

-- A task that was promised a slot cannot use it.
function shares.break_promise(board, name, tell)
  local share = shares.read(board, name)
  if not share or share.promised == 0 then return end
  share.promised = share.promised - 1
  shares.write(board, name, share)
  shares.settle(board, name, tell)
end

-- Look at a share at a tick: what tasks lack is asked for, if it is not yet, and what nobody has used for a while goes back.
function shares.tick(board, name, share, now, tell)
  local starts = shares.starts(board, name, now, tell)
  local limit = settings.find(board, name)
  if limit and limit.n and starts == 0 and waiters.count(board, name) > 0 then  -- its slots wait for a start
    return shares.request(board, name, tell)
  end
  if not (limit and limit.concurrency) or share.promised == 0 and not share.keep then return end
  if not share.quiet then
    share.quiet = now
    return shares.write(board, name, share)
  end
  if share.quiet + PATIENCE > now then return end
  share.promised = 0
  shares.write(board, name, share)
  shares.settle(board, name, tell, true)
end

-- Handle a message: the home lends slots, and starts that may be used until a time.
function shares.lend(board, name, slots, starts, expiry, keep)
  local share = shares.read(board, name)
  if not share then return end
  slots, starts = tonumber(slots), tonumber(starts)
  share.slots, share.quiet = share.slots + slots, nil
  if not name:find('^length:') then share.promised = share.promised + slots end
  share.wants, share.wants_starts = math.max(0, share.wants - slots), math.max(0, share.wants_starts - starts)
  share.keep, share.asked = tonumber(keep), nil
  shares.write(board, name, share)
  for _ = 1, starts do redis.call('RPUSH', starts_key(board, name), expiry) end
  waiters.notify(board, name)
end

-- Handle a message: others wait for slots, or no longer do.
function shares.recall(board, name, keep, tell)
  local share = shares.read(board, name)
  if not share then return end
  share.keep = tonumber(keep)
  shares.write(board, name, share)
  shares.settle(board, name, tell)
end

-- Begin with the slots that are in use, which nobody has lent. Returns how many.
function shares.begin(board, name)
  local limit = settings.find(board, name)
  if not (limit and limit.n) then redis.call('DEL', starts_key(board, name)) end
  if not limit then
    redis.call('HDEL', key(board, 'shares'), name)
    return 0
  end
  local used = limit.concurrency and shares.used(board, name) or 0
  if used == math.huge then used = limit.concurrency end
  shares.write(board, name, { slots = used, wants = 0, wants_starts = 0, promised = 0 })
  return used
end

return shares
