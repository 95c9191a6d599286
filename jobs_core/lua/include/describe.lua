--- @include "calendar"
--- @include "head"
--- @include "key"

-- ms to seconds, for readers; nil for what is not there.
local function in_seconds(ms)
  return ms and ms / 1000 or nil
end

local function state(head, due)
  if head.z then return 'paused' end
  if due then return 'scheduled' end
  if head.h and head.l ~= 0 then return 'waiting' end
  return (head.e or head.a or head.c or head.i or head.h) and 'ended' or 'manual'
end

-- An instant by a clock that is so many ms ahead of UTC: 2026-12-01T08:00:00.000+01:00.
local function iso_text(ms, offset)
  local clock = ms + offset
  local year, month, day = civil_from_days(math.floor(clock / 86400000))
  local rest, minutes = clock % 86400000, math.abs(offset) / 60000
  return string.format('%04d-%02d-%02dT%02d:%02d:%06.3f%s%02d:%02d', year, month, day, math.floor(rest / 3600000),
    math.floor(rest / 60000) % 60, rest % 60000 / 1000, offset < 0 and '-' or '+', math.floor(minutes / 60), minutes % 60)
end

-- The options that a job was put with, as a table. Times are in epoch seconds.
local function options_of(id, head, body)
  local options, payload = split_body(body)
  local job = options ~= '' and cjson.decode(options) or {}
  job.id, job.runner, job.payload, job.queue = id, head.n, payload, head.q
  job.priority = head.y
  job.every, job.at, job.start, job.stop = in_seconds(head.e), in_seconds(head.a), in_seconds(head.s), in_seconds(head.t)
  if head.i then
    -- The start with its offset, since months are counted by that clock.
    job.every, job.start = 'R/' .. iso_text(head.s, head.u) .. '/' .. head.f, nil
  end
  job.cron, job.zone, job.dst = head.c, head.o, head.v and 'ocps'
  job.decay, job.step = head.d, in_seconds(head.p)
  if head.h then
    job.after, job.on = head.h.p, head.h.o and (head.h.o == 'f' and 'failure' or 'end')
    job.join = head.h.n and 'any'
  end
  job.misfire = head.m and (head.m == 'a' and 'all' or 'skip')
  job.overlap = head.w and ({ s = 'skip', q = 'queue', r = 'replace' })[head.w]
  job.grace, job.jitter = in_seconds(head.g), in_seconds(head.j)
  job['repeat'], job.left = head.r, head.l
  return job
end

-- A job as readable JSON: the options it was put with, and where it stands.
local function describe(id, packed, due)
  local head, body = unpack_job(packed)
  local job = options_of(id, head, body)
  job.next = in_seconds(due and tonumber(due))
  job.state = state(head, due)
  return cjson.encode(job)
end
