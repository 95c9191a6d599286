local dependencies = require 'define.dependencies'
local waiting = require 'due.waiting'
local packed_job = require 'job.packed_job'
local calendar = require 'time.calendar'

local describe = {}

local FIRST, LAST = -62135596800000, 253402300799000  -- the years 1 to 9999, in ms, which is what clients can represent

-- Convert ms to seconds; nil stays nil.
function describe.seconds(ms)
  return ms and math.max(FIRST, math.min(ms, LAST)) / 1000 or nil
end

-- Where a job stands. `due` is its next run, if it has one. Without a board, whether one of its occurrences waits is left out.
function describe.state(board, id, head, due)
  if head.paused then return 'paused' end
  if board and dependencies.has_time(head) and waiting.due(board, id) then return 'waiting' end
  if due then return 'scheduled' end
  if head.after and not dependencies.has_time(head) and head.left ~= 0 then return 'waiting' end
  return (head.every or head.at or head.cron or head.months or head.after) and 'ended' or 'manual'
end

-- Format an instant with an offset from UTC in ms: 2026-12-01T08:00:00.000+01:00.
local function iso_text(ms, offset)
  local clock = ms + offset
  local year, month, day = calendar.date(math.floor(clock / 86400000))
  local rest, minutes = clock % 86400000, math.abs(offset) / 60000
  return string.format('%04d-%02d-%02dT%02d:%02d:%06.3f%s%02d:%02d', year, month, day, math.floor(rest / 3600000),
    math.floor(rest / 60000) % 60, rest % 60000 / 1000, offset < 0 and '-' or '+', math.floor(minutes / 60), minutes % 60)
end

-- Return the options that a job was put with, as a table, or nothing if they cannot be read. Times are in epoch seconds.
function describe.options(id, head, body)
  local _, payload = packed_job.split_body(body)
  local job = packed_job.read_options(body)
  if not job then return nil end
  job.id, job.runner, job.payload, job.queue = id, head.runner, payload, head.queue
  job.priority = head.priority
  job.every, job.at = describe.seconds(head.every), describe.seconds(head.at)
  if head.every or head.start_given then job.start = describe.seconds(head.start) end
  job.stop = describe.seconds(head.stop)
  if head.months then
    -- The start needs its offset, because months are counted on that clock.
    job.every, job.start = 'R/' .. iso_text(head.start, head.clock_offset) .. '/' .. head.period, nil
  end
  job.cron, job.zone, job.dst = head.cron, head.zone, head.dst
  job.decay, job.step = head.decay, describe.seconds(head.step)
  if head.after then
    job.after, job.on, job.join = head.after.parents, head.after.on, head.after.join
  end
  job.deadline, job['at-deadline'] = describe.seconds(head.deadline), head.at_deadline
  job.misfire, job.overlap = head.misfire, head.overlap
  job.grace, job.jitter = describe.seconds(head.grace), describe.seconds(head.jitter)
  job['repeat'], job.left = head.repeats, head.left
  return job
end

-- Return how and until when a job is paused, as a table; empty if it is not.
function describe.pause(head)
  if not head.paused then return {} end
  return {
    paused = 1, ['paused-at'] = describe.seconds(head.paused_at), ['paused-by'] = head.paused_by,
    ['paused-because'] = head.paused_because, ['paused-until'] = describe.seconds(head.paused_until),
  }
end

-- Return a job as a table: its options and its state; nothing if it cannot be read. Without a board, it is a job of the past,
-- which has no etag.
function describe.job(board, id, packed, due)
  local head, body = packed_job.unpack(packed)
  if not head then return nil end
  local job = describe.options(id, head, body)
  if not job then return nil end
  job.next = describe.seconds(due and tonumber(due))
  job.state = describe.state(board, id, head, due)
  job.etag = board and packed_job.etag(head, body) or nil
  for name, value in pairs(describe.pause(head)) do
    if name ~= 'paused' then job[name] = value end
  end
  return job
end

-- Return a job as JSON, or false if it cannot be read, and how many bytes of that are its payload.
function describe.json(board, id, packed, due)
  local job = describe.job(board, id, packed, due)
  if not job then return false, 0 end
  return cjson.encode(job), #job.payload
end

return describe
