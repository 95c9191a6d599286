-- A job in `{b}:job` is a packed head, which is all that a tick decodes, and an opaque body: options (JSON, or nothing) LF
-- payload. Times are ms since the epoch, durations ms.

local packed_job = {}

-- A field is kept under its place in this list: append new ones, and never move or reuse a place. Those that most jobs
-- have come first, since fields 1 to n without a gap are packed without their numbers.
local FIELDS = {
  'runner',
  'start',
  'every',
  'cron',          -- the pattern as it was given, with single blanks
  'fixed_second',  -- second of the day at which the pattern runs, if it is fixed: a tick need not read it out of the pattern
  'zone',          -- of cron, unless it is UTC
  'dst',           -- ocps, unless it is vixie
  'queue',         -- unless it has the runner's name
  'priority',      -- unless it is 0
  'at',
  'stop',
  'repeats',       -- how many runs there are to be
  'left',          -- how many of them are left
  'decay',
  'step',
  'jitter',
  'grace',
  'misfire',       -- skip or all, unless it is coalesce
  'overlap',       -- skip, queue or replace, unless it is allow
  'after',         -- what it runs after: see define/dependencies.lua
  'paused',        -- 1
  'paused_next',   -- the next run that it was paused before
  'months',        -- of a period of the calendar
  'month_rest',    -- what the period has beside its months
  'clock_offset',  -- of the clock by which months are counted
  'period',        -- as it was given
}

local PLACES = {}
for place = 1, #FIELDS do PLACES[FIELDS[place]] = place end

local function pack_after(after)
  return { after.on or 0, after.join or 0, unpack(after.parents) }
end

local function unpack_after(packed)
  local on, join = packed[1], packed[2]
  return { on = on ~= 0 and on or nil, join = join ~= 0 and join or nil, parents = { unpack(packed, 3) } }
end

function packed_job.pack(head, body)
  local fields = {}
  for name, value in pairs(head) do fields[PLACES[name]] = value end
  if head.after then fields[PLACES.after] = pack_after(head.after) end
  return cmsgpack.pack(fields) .. body
end

-- Returns head, body.
function packed_job.unpack(packed)
  local offset, fields = cmsgpack.unpack_one(packed)
  local head = {}
  for place, value in pairs(fields) do head[FIELDS[place]] = value end
  if head.after then head.after = unpack_after(head.after) end
  return head, packed:sub(offset + 1)
end

-- Returns options (JSON text, or nothing), payload.
function packed_job.split_body(body)
  local line = body:find('\n', 1, true)
  return body:sub(1, line - 1), body:sub(line + 1)
end

return packed_job
