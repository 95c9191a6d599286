-- What the home of a limit has lent to each partition: see limit/lending.lua.
--
--   {b}:lent                 a hash: for each limit, packed: `turn`, the partition served last; and in `parts`, for each
--                            partition (from 1): `version`, of the setting that it was told last; `slots`, lent to it,
--                            nothing until it has said how many it uses; `wants` and `wants_starts`, asked for; and `keep`, as
--                            it was told
--   {b}:rate-lent:<limit>    a list: until when each start that was lent may be used (ms), oldest first

local clock = require 'base.clock'
local key = require('base.keys').key
local digits = require('base.numbers').digits
local partition = require 'base.partition'
local rates = require 'limit.rates'
local settings = require 'limit.settings'
local shares = require 'limit.shares'
local timers = require 'queue.timers'

local home = {}

local function read(board, name)
  local packed = redis.call('HGET', key(board, 'lent'), name)
  return packed and cmsgpack.unpack(packed) or nil
end

local function write(board, name, lent)
  redis.call('HSET', key(board, 'lent'), name, cmsgpack.pack(lent))
end

local function lent_key(board, name)
  return key(board, 'rate-lent:' .. name)
end

-- Return how many slots nobody has. While a partition has not said what it uses, there are none.
local function pool(lent, limit)
  local n = limit.concurrency
  for _, part in ipairs(lent.parts) do
    if not part.slots then return 0 end
    n = n - part.slots
  end
  return n
end

local function is_known(lent)
  for _, part in ipairs(lent.parts) do
    if not part.slots then return false end
  end
  return true
end

-- Whether partitions want something (wants, or wants_starts). Leave out partition number `except`.
local function any_wants(lent, what, except)
  for i, part in ipairs(lent.parts) do
    if part[what] > 0 and i - 1 ~= except then return true end
  end
  return false
end

-- Return the place in `parts` that is served next: of those that want something, the one that has the least; of equal ones, the
-- first after the one that was served last.
local function next_in_turn(lent, what)
  local found
  for i = 1, #lent.parts do
    local at = (lent.turn + i - 1) % #lent.parts + 1
    local part = lent.parts[at]
    if part[what] > 0 and part.slots and (what ~= 'wants' or not found or part.slots < lent.parts[found].slots) then
      found = at
      if what ~= 'wants' or part.slots == 0 then break end
    end
  end
  return found
end

local function gift_of(gifts, at)
  gifts[at] = gifts[at] or { slots = 0, starts = 0, expiry = 0 }
  return gifts[at]
end

-- Lend the slots that nobody has. Places in a queue are lent more than one at a time, since pushes need one each.
local function lend_slots(lent, limit, name, gifts)
  local free = pool(lent, limit)
  local batch = name:find('^length:') and math.floor(free / (2 * #lent.parts)) or 0
  while free > 0 do
    local at = next_in_turn(lent, 'wants')
    if not at then return end
    local part = lent.parts[at]
    local n = math.min(free, math.max(batch, math.min(part.wants, math.max(1, math.floor(free / (2 * #lent.parts))))))
    part.slots, part.wants, lent.turn = part.slots + n, math.max(0, part.wants - n), at
    gift_of(gifts, at).slots = gift_of(gifts, at).slots + n
    free = free - n
  end
end

-- Return how many starts a rate allows now, and when it may allow more.
local function free_starts(board, lent, limit, now)
  local first, taken = rates.taken(key(board, 'rate:' .. limit.name), now - limit.period)
  local first_lent, taken_lent = rates.taken(lent_key(board, limit.name), now - limit.period)
  local opens = math.min(first or now, first_lent or now) + limit.period
  return is_known(lent) and limit.n - taken - taken_lent or 0, opens
end

-- Lend the starts that a rate allows. Each counts as if it happened at the end of the time in which it may be used.
local function lend_starts(board, lent, limit, gifts, now)
  local free, opens = free_starts(board, lent, limit, now)
  local expiry = now + rates.validity(limit)
  while free > 0 do
    local at = next_in_turn(lent, 'wants_starts')
    if not at then return nil end
    local part, gift = lent.parts[at], gift_of(gifts, at)
    part.wants_starts, lent.turn, gift.starts, gift.expiry = part.wants_starts - 1, at, gift.starts + 1, expiry
    rates.add(lent_key(board, limit.name), expiry, limit)
    free = free - 1
  end
  return any_wants(lent, 'wants_starts') and is_known(lent) and math.max(opens, now + 1) or nil
end

-- How many slots a partition may keep while others wait: its part of them all.
local function fair_part(lent, limit)
  local n = 0
  for _, part in ipairs(lent.parts) do
    if (part.slots or 0) > 0 or part.wants > 0 then n = n + 1 end
  end
  return math.floor(limit.concurrency / math.max(1, n))
end

-- Find what each partition is to be told: what it gets, and whether others wait. The home comes last, as it answers at once.
local function find_news(lent, limit, gifts, own)
  local news, is_over, keep = {}, limit.concurrency and pool(lent, limit) < 0, nil
  if limit.concurrency then keep = fair_part(lent, limit) end
  for i, part in ipairs(lent.parts) do
    local others_wait = limit.concurrency and (is_over or any_wants(lent, 'wants', i - 1))
    local expected = others_wait and (part.slots or 0) > 0 and keep or nil
    if gifts[i] or part.slots and part.keep ~= expected then
      part.keep = expected
      local item = { i - 1, gifts[i], expected and digits(expected) or '-' }
      if i - 1 == own then news.own = item else news[#news + 1] = item end
    end
  end
  news[#news + 1] = news.own
  return news
end

local function send_news(board, name, news, tell)
  for _, item in ipairs(news) do
    local target, gift, keep = unpack(item)
    if gift then
      tell(board, target, 'lend', name, digits(gift.slots), digits(gift.starts), digits(gift.expiry), keep)
    else
      tell(board, target, 'recall', name, keep)
    end
  end
end

-- What the home itself does not use goes to others that wait.
local function use_own_surplus(board, name, lent, limit, own)
  if not any_wants(lent, 'wants', own) or not lent.parts[own + 1].slots then return end
  local share = shares.read(board, name)
  share.keep = share.keep or fair_part(lent, limit)
  local n = shares.take_surplus(board, name, share)
  if n == 0 then return end
  shares.write(board, name, share)
  lent.parts[own + 1].slots = lent.parts[own + 1].slots - n
end

-- Lend what partitions want, and let those return slots that have more than others. Starts are lent by ticks, which know the
-- time `now`. Returns when a rate allows more of the starts that are wanted.
function home.balance(board, name, tell, now)
  local lent, limit = read(board, name), settings.find(board, name)
  if not (lent and limit) then return nil end
  local own, gifts, opens = partition.current(), {}, nil
  if limit.concurrency then
    use_own_surplus(board, name, lent, limit, own)
    lend_slots(lent, limit, name, gifts)
  end
  if limit.n and now then opens = lend_starts(board, lent, limit, gifts, now) end
  local news = find_news(lent, limit, gifts, own)
  write(board, name, lent)
  send_news(board, name, news, tell)
  if limit.n and not now and any_wants(lent, 'wants_starts') then timers.set(board, 'gates', name, 0) end
  return opens
end

-- The home takes what nobody has, since it needs no message for that. Returns its slots.
function home.take_free(board, name, share)
  local lent, limit = read(board, name), settings.find(board, name)
  if not (lent and limit and limit.concurrency) then return end
  local own = partition.current()
  local n = any_wants(lent, 'wants', own) and 0 or pool(lent, limit)
  if n <= 0 then return end
  share.slots = share.slots + n
  lent.parts[own + 1].slots = lent.parts[own + 1].slots + n
  write(board, name, lent)
  shares.write(board, name, share)
end

-- Return how many starts the home may use itself, and when there may be more. Others that wait come first.
function home.own_starts(board, limit, now)
  local lent = read(board, limit.name)
  if not lent then return 0, now + limit.period end
  local free, opens = free_starts(board, lent, limit, now)
  return any_wants(lent, 'wants_starts', partition.current()) and 0 or free, math.max(opens, now + 1)
end

local function new_version(board, name)
  local version = clock.now() * 1000  -- it grows even if a failover has lost the latest one
  for _, one in ipairs(settings.names(name)) do
    local lent = read(board, one)
    for _, part in ipairs(lent and lent.parts or {}) do version = math.max(version, part.version + 1) end
  end
  return version
end

-- Forget what all partitions have, or `only` one, until they say it.
local function begin(board, name, version, only)
  local limit = settings.find(board, name)
  if not (limit and limit.n) then redis.call('DEL', lent_key(board, name)) end
  if not limit then return redis.call('HDEL', key(board, 'lent'), name) end
  local _, count = partition.current()
  local lent = read(board, name) or { turn = 0, parts = {} }
  for i = 1, count do
    if not only or only == i - 1 then lent.parts[i] = { version = version, wants = 0, wants_starts = 0 } end
  end
  write(board, name, lent)
end

-- Let all partitions know of a limit, its setting or its removal, and say what they use of it. Until one has answered,
-- nothing is lent that it may have. With `only`, ask one partition anew. Returns the version of the setting, as text.
function home.announce(board, name, only, now, tell)
  local own, count = partition.current()
  local text, most = settings.texts(board, name)
  local version = new_version(board, name)
  for _, one in ipairs(settings.names(name)) do begin(board, one, version, only) end
  for other = 0, count - 1 do
    if other ~= own and (not only or only == other) then
      tell(board, other, 'limit', name, digits(version), text or '-', most or '-', digits(now))
    end
  end
  return digits(version)
end

-- Handle a message: what a partition uses of a limit, and when tasks of a new rate have started there.
function home.report(board, source, name, version, slots, tell, ...)
  local lent, limit = read(board, name), settings.find(board, name)
  local part = lent and limit and lent.parts[source + 1]
  if not part or tonumber(version) ~= part.version then return end
  lent.parts[source + 1] = { version = part.version, slots = tonumber(slots), wants = 0, wants_starts = 0 }
  write(board, name, lent)
  if limit.n then rates.insert(lent_key(board, name), { ... }, limit) end
  home.balance(board, name, tell)
end

-- Return what a partition has been lent, if it has answered the latest announcement; nothing otherwise. Then what it says
-- is about an older one.
local function part_of(lent, source)
  local part = lent and lent.parts[source + 1]
  return part and part.slots and part
end

-- Handle a message: a partition wants more, or fewer.
function home.want(board, source, name, slots, starts, tell)
  local lent = read(board, name)
  local part = part_of(lent, source)
  if not part then return end
  part.wants = math.max(0, part.wants + tonumber(slots))
  part.wants_starts = math.max(0, part.wants_starts + tonumber(starts))
  write(board, name, lent)
  home.balance(board, name, tell)
end

-- Handle a message: a partition returns slots.
function home.take_back(board, source, name, slots, tell)
  local lent = read(board, name)
  local part = part_of(lent, source)
  if not part then return end
  part.slots = part.slots - tonumber(slots)
  write(board, name, lent)
  home.balance(board, name, tell)
end

-- Handle a message: a partition has not used these starts, and can no longer.
function home.unstarted(board, name, times)
  local list = lent_key(board, name)
  for _, time in ipairs(times) do redis.call('LREM', list, -1, time) end
  timers.set(board, 'gates', name, 0)
end

return home
