#!lua
--[[ JTICK board [limit n] [now time]

  Move what is due to its queues: up to `limit` (500 unless given, at most 1000) occurrences of jobs, as many
  delayed tasks, as many tasks that a rate held back, and some whose lease has lapsed: that attempt is lost, and
  whoever takes the task next asks its policy what to do. A task that is lost too often (`losses`) becomes a dead
  letter. Any number of clients may tick; none matters more. A job that is late runs once: the occurrences it missed
  after the first are counted as coalesced. While a board file is being put in place, nothing is due: see JAPPLY.

    EVALSHA <JTICK> 1 {jobs}
      1) (integer) 3                 how many were moved
      2) (integer) 1763900005000     when there is more to do, in ms since the epoch; 0: not in sight
      3) (integer) 1763900000123     Redis's present, by which to tell how long to wait
  Errors: JOBS AGAIN, JOBS OPTION.
--]]
--- @include "command"
--- @include "instant"
--- @include "pairs"
--- @include "due_jobs"
--- @include "due_members"
--- @include "ending"
--- @include "follow"
--- @include "held"
--- @include "lanes"
--- @include "settled"

local BYTES = 1048576  -- payloads may be large: each kind of move ends once it has copied this many
local LAPSES = 100  -- leases that one tick ends at most
local LOSSES = 5  -- how often a task may be lost, unless its job says otherwise

-- The records of the tasks in a set whose time has come, as far as a tick may copy them.
-- Answers { ticket, record } pairs, the earliest first.
local function due_records(board, set, now, limit)
  local due, found, bytes = due_members(board, set, now, limit), {}, 0
  for i = 1, #due, 2 do
    if bytes >= BYTES then break end
    local record = redis.call('HGET', key(board, 'task'), due[i])
    found[#found + 1] = { due[i], record }
    bytes = bytes + #record
  end
  return found
end

local function is_poison(task)
  local options = split_body(task.body)
  local bound = options:find('"losses"', 1, true) and cjson.decode(options).losses or LOSSES
  return losses(task) >= bound
end

-- A lease has lapsed: its holder fell silent, or, if the task was accepted, no answer came. Answers how large it is.
local function lapse(board, token, now)
  local task, cancelled = take_back(board, token, true)
  local attempt, accepted = task.attempt, current_attempt(task) == 'accepted'
  local what, code = accepted and 'expired' or 'lost', accepted and 'timeout' or 'lost'
  tally(board, task_job(task.id), what, 1)
  tell(board, task, attempt, what, {})
  note_attempt(task, what .. '?', now, code)
  if cancelled then
    finish(board, token, task, 'cancelled', now)
    tell(board, task, attempt, 'cancelled', {})
  elseif is_poison(task) then
    bury(board, token, task, now)
    make_room(board, task)
    tell(board, task, attempt, 'dead', { 'note', 'lost too often', 'code', 'lost' })
  else
    task.attempt = attempt + 1
    requeue(board, token, task, 0, now)
  end
  return #task.body
end

-- Each goes to the front of its lane, before the one before it: so the latest come first, that the earliest end up
-- in front, also when it takes several ticks.
local function return_lapsed(board, now, limit)
  local tokens = redis.call('ZRANGE', key(board, 'leased'), digits(now), '-inf', 'BYSCORE', 'REV',
    'LIMIT', 0, math.min(limit, LAPSES))
  local ended, bytes = 0, 0
  while ended < #tokens and bytes < BYTES do
    ended = ended + 1
    bytes = bytes + lapse(board, tokens[ended], now)
  end
  return ended
end

-- Tasks that were to wait, for a retry or a time of their own, join their queue.
local function queue_delayed(board, now, limit)
  local delayed = due_records(board, 'delayed', now, limit)
  for _, pair in ipairs(delayed) do
    local ticket, record = unpack(pair)
    redis.call('HDEL', key(board, 'task'), ticket)
    redis.call('ZREM', key(board, 'delayed'), ticket)
    enqueue(board, read_record(record).lane, { record })
  end
  return #delayed
end

-- A limit's gate opens. Answers how many moved.
local function open_gate(board, name, now, most)
  redis.call('ZREM', key(board, 'gates'), name)
  if name:find('^queue:') then
    reopen(board, name:sub(7))
    return 0
  end
  local moved, limit = look_again(board, name, now, most)
  if redis.call('EXISTS', key(board, 'held:' .. name)) == 0 then return moved end
  -- What has moved has not started yet: look again when as many as may start could have.
  if limit.n and moved > 0 then limit.at = math.max(limit.at, now + limit.period / limit.n) end
  if limit.slots > 0 then plan(board, 'gates', name, limit.at or now) end
  return moved
end

local function open_gates(board, now, limit)
  local due, moved = due_members(board, 'gates', now, 100), 0
  for i = 1, #due, 2 do moved = moved + open_gate(board, due[i], now, math.min(limit, 100)) end
  return moved
end

-- The room that came up under a limit may be for a task that nobody takes. So a few limits, at random, are looked at:
-- one that holds tasks while nothing runs lets in more than it has room for, and JPOP holds again what is too much.
local function free_idle_limits(board, now)
  local moved = 0
  for _, name in ipairs(redis.call('SRANDMEMBER', key(board, 'held'), 10)) do
    local waits = redis.call('ZSCORE', key(board, 'gates'), name)
    if not waits and redis.call('SCARD', key(board, 'running:' .. name)) == 0 then
      moved = moved + let_in(board, name, 50, now, true)
    end
  end
  return moved
end

local function earliest(board, now)
  if redis.call('EXISTS', key(board, 'follow')) == 1 then return now end
  local time = math.huge
  for _, set in ipairs({ 'schedule', 'delayed', 'leased', 'gates' }) do
    local first = redis.call('ZRANGE', key(board, set), 0, 0, 'WITHSCORES')
    if first[2] then time = math.min(time, tonumber(first[2])) end
  end
  return time < math.huge and time or 0
end

return command(function()
  local board = KEYS[1]
  local options = read_pairs(ARGV, 1, { limit = true, now = true })
  local limit = math.min(whole('limit', options.limit or '500', 1), 1000)
  local now = now_option(options)
  refuse_unsettled(board)
  local moved = free_idle_limits(board, now)
    + return_lapsed(board, now, limit)
    + queue_delayed(board, now, limit)
    + open_gates(board, now, limit)
    + queue_due_jobs(board, now, limit)
  follow_endings(board)
  forget_lanes(board)
  return { moved, earliest(board, now), now }
end)
