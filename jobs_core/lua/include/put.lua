--- @include "ids"
--- @include "payload"
--- @include "job_options"
--- @include "next"
--- @include "schedule"

-- `left`, `paused` and `next` restore a job from a dump.
local PUT_OPTIONS = { queue = true, priority = true, now = true, left = true, paused = true, next = true }

local function same_schedule(a, b)
  for _, field in ipairs({ 'e', 'a', 'c', 'o', 'v', 'i', 'k', 'u', 's', 't', 'r', 'd', 'p' }) do
    if a[field] ~= b[field] then return false end
  end
  return after.is_same(a.h, b.h)
end

-- What an update keeps of the job it replaces: whether it is paused, and, while its schedule stays the same,
-- how many runs are left. Answers whether the schedule is the same.
local function inherit(head, old)
  head.z = old.z
  if not same_schedule(head, old) then return false end
  head.l = old.l
  return true
end

-- Bring back the state that a dump recorded. Answers whether it says when the next run is.
local function restore(head, options)
  if options.left then head.l = whole('left', options.left, 0) end
  if options.paused then head.z = options.paused ~= '0' and 1 or nil end
  return options.next ~= nil
end

-- Refuse a job that would wait for itself. Where nobody waits for it, there is no way back to it.
local function refuse_cycle(board, id, head, old)
  if not head.h or old and after.is_same(head.h, old.h) then return end
  after.refuse_cycle(id, after.parents(head), function(parent)
    if parent ~= id and not after.has_children(board, id) then return nil end
    local packed = redis.call('HGET', key(board, 'job'), parent)
    return packed and unpack_job(packed)
  end)
end

-- Create or update a job. Answers its next run in ms, or 0 when it has none.
local function put(board, args, create_only)
  local id, runner, payload = args[1], args[2], args[3]
  if not payload then fail('OPTION', 'a job needs an id, a runner and a payload') end
  check_id(id)
  check_runner(runner)
  check_payload(board, payload)
  local options = read_pairs(args, 4, SCHEDULE_OPTIONS, WORKER_OPTIONS, PUT_OPTIONS)
  local now = now_option(options)
  local packed = redis.call('HGET', key(board, 'job'), id)
  if packed and create_only then fail('EXISTS', "there is already a job '" .. id .. "'") end

  local old = packed and unpack_job(packed)
  local head, almanac = read_schedule(options, now, old and old.s or now), new_almanac(board)
  refuse_cycle(board, id, head, old)
  if head.c then cron.settle(almanac, head, id) end  -- it is refused here, if it is wrong
  head.n = runner
  if options.queue and options.queue ~= runner then head.q = queue_name(options.queue) end
  head.y = priority(options)
  local body = worker_options(options) .. '\n' .. payload
  local kept = old and inherit(head, old)
  local due
  if restore(head, options) then
    due = options.next ~= 'none' and instant('next', options.next, now) or nil
  elseif kept then
    due = old.z and old.x or tonumber(redis.call('ZSCORE', key(board, 'schedule'), id) or nil)
    if old.z and not head.z then due = next_from(head, due, now, almanac, id) end
  else
    due = opening_run(head, now, not old, almanac, id)
  end
  if head.l == 0 then due = nil end
  if head.z then head.x, due = due, nil end

  redis.call('HSET', key(board, 'job'), id, pack_job(head, body))
  schedule(board, id, due)
  if head.h or old and old.h then after.link(board, id, head, old) end
  return due or 0
end
