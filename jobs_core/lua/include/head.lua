-- A job in `{b}:job` is a packed head, which is all that a tick decodes, and an opaque body.
--
-- Head, one letter a field because there may be millions:
--   e  every, ms         a  at, ms            c  cron, its pattern as it was given, blanks made single
--                                             (none of these: the job only runs when pushed)
--   b  second of the day at which its pattern runs, when that is fixed: a tick need not read it out of the pattern
--   o  zone of cron, when it is not UTC       v  1: dst ocps
--   i  months of a period of the calendar     k  its ms beside them
--   u  offset of the clock it is counted by, ms   f  the period as it was given
--   s  start, ms         t  stop, ms          r  repeat          l  runs left of repeat
--   d  decay             p  step, ms
--   j  jitter, ms        g  grace, ms         m  misfire: s skip, a all
--   w  overlap: s skip, q queue, r replace
--   h  the jobs after which it runs: see after.lua
--   n  runner            q  queue, when it is not the runner's name
--   y  priority, when it is not 0
--   z  1: paused         x  the run it was paused before, ms
-- Body: options (JSON, or nothing) LF payload.

local function pack_job(head, body)
  return cmsgpack.pack(head) .. body
end

-- Answers head, body.
local function unpack_job(packed)
  local offset, head = cmsgpack.unpack_one(packed)
  return head, packed:sub(offset + 1)
end

-- Answers options (JSON text, or nothing), payload.
local function split_body(body)
  local line = body:find('\n', 1, true)
  return body:sub(1, line - 1), body:sub(line + 1)
end

-- A number of ms as part of a text: tostring() would write 1.7e+12. (redis.call writes all its digits itself.)
local function digits(number)
  return string.format('%.0f', number)
end
