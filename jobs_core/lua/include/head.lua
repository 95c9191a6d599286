-- A job in `{b}:job` is a packed head, which is all that a tick decodes, and an opaque body.
--
-- Head, one letter a field because there may be millions:
--   e  every, ms         a  at, ms            (neither: the job only runs when pushed)
--   s  start, ms         t  stop, ms          r  repeat          l  runs left of repeat
--   d  decay             p  step, ms          q  queue, when it is not the runner's name
--   z  1: paused         w  due of the latest run that was pushed, ms
--   c, o, …: reserved for calendar schedules
-- Body: runner LF options (JSON, or nothing) LF payload.

local function pack_job(head, body)
  return cmsgpack.pack(head) .. body
end

-- Answers head, body.
local function unpack_job(packed)
  local offset, head = cmsgpack.unpack_one(packed)
  return head, packed:sub(offset + 1)
end

-- Answers runner, options (JSON text, or nothing), payload.
local function split_body(body)
  local first = body:find('\n', 1, true)
  local second = body:find('\n', first + 1, true)
  return body:sub(1, first - 1), body:sub(first + 1, second - 1), body:sub(second + 1)
end

-- A number of ms as text: tostring() would write 1.7e+12.
local function digits(number)
  return string.format('%.0f', number)
end
