--- @include "head"
--- @include "key"

-- ms to seconds, for readers; nil for what is not there.
local function in_seconds(ms)
  return ms and ms / 1000 or nil
end

local function state(head, due)
  if head.z then return 'paused' end
  if due then return 'scheduled' end
  return (head.e or head.a) and 'ended' or 'manual'
end

-- A job as readable JSON: the options it was put with, and where it stands. Times are in epoch seconds.
local function describe(id, packed, due)
  local head, body = unpack_job(packed)
  local options, payload = split_body(body)
  local job = options ~= '' and cjson.decode(options) or {}
  job.id, job.runner, job.payload, job.queue = id, head.n, payload, head.q
  job.priority = head.y
  job.every, job.at, job.start, job.stop = in_seconds(head.e), in_seconds(head.a), in_seconds(head.s), in_seconds(head.t)
  job.decay, job.step = head.d, in_seconds(head.p)
  job['repeat'], job.left = head.r, head.l
  job.next = in_seconds(due and tonumber(due))
  job.state = state(head, due)
  return cjson.encode(job)
end
