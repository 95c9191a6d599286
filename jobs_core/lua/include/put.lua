--- @include "ids"
--- @include "payload"
--- @include "job_options"
--- @include "next"
--- @include "revision"
--- @include "schedule"
--- @include "settled"

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

-- What the jobs that one call reads have in common: `now` is when that was asked for.
local function common_ground(board, now)
  return { board = board, now = now, payload_limit = payload_limit(board), almanac = new_almanac(board) }
end

-- The same for jobs that are put by hand.
local function ground_by_hand(board)
  refuse_unsettled(board)
  local ground = common_ground(board, clock())
  ground.is_staging = redis.call('EXISTS', key(board, 'stages')) == 1
  return ground
end

-- Refuse a job that would wait for itself. Where nobody waits for it, there is no way back to it.
local function refuse_cycle(board, job)
  if not job.head.h or job.old and after.is_same(job.head.h, job.old.h) then return end
  local is_waited_for = after.has_children(board, job.id)
  after.refuse_cycle(job.id, after.graph(board, function(id)
    if id == job.id then return after.ids(job.head) end
    return not is_waited_for and '' or nil
  end))
end

-- When a job that is put runs next: ms, or nothing.
local function next_of_put(ground, job, options, now)
  local id, head, old, almanac = job.id, job.head, job.old, ground.almanac
  local kept = old and inherit(head, old)
  local due
  if restore(head, options) then
    due = options.next ~= 'none' and instant('next', options.next, now) or nil
  elseif kept then
    due = old.z and old.x or tonumber(redis.call('ZSCORE', key(ground.board, 'schedule'), id) or nil)
    if old.z and not head.z then due = next_from(head, due, now, almanac, id) end
  else
    due = opening_run(head, now, not old, almanac, id)
  end
  return head.l ~= 0 and not head.h and due or nil
end

-- Read what is to be put: id, runner, payload, options. Answers a table: id, head, body, when it is due, and, if there
-- is such a job already, the `old` head and body.
local function read_put(ground, args, create_only)
  local id, runner, payload = args[1], args[2], args[3]
  if not payload then fail('OPTION', 'a job needs an id, a runner and a payload') end
  check_id(id)
  check_runner(runner)
  check_payload(ground.payload_limit, payload)
  local options = read_pairs(args, 4, SCHEDULE_OPTIONS, WORKER_OPTIONS, PUT_OPTIONS)
  local now = options.now and now_option(options) or ground.now
  local packed = redis.call('HGET', key(ground.board, 'job'), id)
  if packed and create_only then fail('EXISTS', "there is already a job '" .. id .. "'") end

  local old, old_body
  if packed then old, old_body = unpack_job(packed) end
  local head = read_schedule(options, now, old and old.s or now)
  if head.c then cron.settle(ground.almanac, head, id) end  -- it is refused here, if it is wrong
  head.n = runner
  if options.queue and options.queue ~= runner then head.q = queue_name(options.queue) end
  head.y = priority(options)
  local job = { id = id, head = head, body = worker_options(options) .. '\n' .. payload, old = old, old_body = old_body }
  job.due = next_of_put(ground, job, options, now)
  return job
end

local function write_put(board, job)
  local head = job.head
  if head.z then head.x, job.due = job.due, nil end
  redis.call('HSET', key(board, 'job'), job.id, pack_job(head, job.body))
  schedule(board, job.id, job.due)
  if head.h or job.old and job.old.h then after.link(board, job.id, head, job.old) end
  return job.due or 0
end

-- Create or update a job by hand. Answers its next run in ms, or 0 when it has none.
local function put(ground, args, create_only)
  local job = read_put(ground, args, create_only)
  refuse_cycle(ground.board, job)
  if ground.is_staging then touch(ground.board, job.id) end
  return write_put(ground.board, job)
end
