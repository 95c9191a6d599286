-- A job in `{b}:job` is a packed head, which is all that a tick decodes, and an opaque body: options (JSON, or empty) LF
-- payload. Times are ms since the epoch, durations ms.
--
-- A head is a table with fields. The most common combinations of fields, the shapes, are packed as a list of values. Any
-- other head is packed as a table of values by their places in FIELDS. The first byte is the number of the shape, or 0.

local MAX_NUMBER = require('base.numbers').MAX

local packed_job = {}

-- Append new fields. Never move a field or reuse a place.
local FIELDS = {
  'runner',
  'start',
  'every',
  'cron',          -- the pattern, with single spaces
  'fixed_second',  -- the second of the day at which the pattern runs, if fixed: saves a tick parsing it
  'zone',          -- of cron, unless it is UTC
  'dst',           -- ocps, unless it is vixie
  'queue',         -- unless it is the runner's name
  'priority',      -- unless it is 0
  'flags',         -- a summary of the options, unless empty: see queue/records.lua
  'at',
  'stop',
  'repeats',       -- total runs
  'left',          -- runs left
  'decay',
  'step',
  'jitter',
  'grace',
  'misfire',       -- skip or all, unless it is coalesce
  'overlap',       -- skip, queue or replace, unless it is allow
  'after',         -- dependencies: see define/dependencies.lua
  'paused',        -- 1
  'paused_next',   -- the next run at the time it was paused
  'months',        -- months of a calendar period
  'month_rest',    -- the rest of the period, in ms
  'clock_offset',  -- offset of the clock on which months are counted, in ms
  'period',        -- the period as given
  'start_given',   -- 1 if `start` was given: else it is the time the schedule was put
  'paused_at',     -- when it was paused
  'paused_by',     -- by whom
  'paused_because',
  'paused_until',  -- when a tick resumes it
  'deadline',      -- how long an occurrence may wait for `after`, in ms
  'at_deadline',   -- run, unless it is skip
}

local PLACES = {}
for place = 1, #FIELDS do PLACES[FIELDS[place]] = place end

local NUMERIC = {
  start = true, every = true, fixed_second = true, priority = true, at = true, stop = true, repeats = true, left = true,
  decay = true, step = true, jitter = true, grace = true, paused = true, paused_next = true, months = true,
  month_rest = true, clock_offset = true, start_given = true, paused_at = true, paused_until = true, deadline = true,
}

local POSITIVE = { every = true, step = true, decay = true, months = true }

-- Whether a value has the type and range of its field.
local function is_value(name, value)
  if not NUMERIC[name] then return type(value) == (name == 'after' and 'table' or 'string') end
  return type(value) == 'number' and value < MAX_NUMBER and value > (POSITIVE[name] and 0 or -MAX_NUMBER)
end

-- Whether every field is valid, and the fields that it requires are there.
local function is_head(head)
  for name, value in pairs(head) do
    if not is_value(name, value) then return false end
  end
  if (head.every or head.cron or head.months) and not head.start then return false end
  if head.decay and not (head.step and head.every) then return false end
  return not head.months or (head.month_rest and head.clock_offset and head.period) ~= nil
end

local INTERVAL, FIXED_CRON, ZONED_CRON, CRON = 1, 2, 3, 4

-- Return the shape of a head and its values, or 0.
local function shape_of(head)
  local n = 0
  for _ in pairs(head) do n = n + 1 end
  if not head.start then return 0 end
  if n == 3 and head.every then return INTERVAL, head.runner, head.start, head.every end
  if n == 3 and head.cron then return CRON, head.runner, head.start, head.cron end
  if n == 4 and head.cron and head.fixed_second then
    return FIXED_CRON, head.runner, head.start, head.cron, head.fixed_second
  end
  if n == 5 and head.cron and head.fixed_second and head.zone then
    return ZONED_CRON, head.runner, head.start, head.cron, head.fixed_second, head.zone
  end
  return 0
end

local function pack_after(after)
  return { after.on or 0, after.join or 0, unpack(after.parents) }
end

local function unpack_after(packed)
  local on, join = packed[1], packed[2]
  return { on = on ~= 0 and on or nil, join = join ~= 0 and join or nil, parents = { unpack(packed, 3) } }
end

local function pack_fields(head)
  local fields = {}
  for name, value in pairs(head) do fields[PLACES[name]] = value end
  if head.after then fields[PLACES.after] = pack_after(head.after) end
  return '\0' .. cmsgpack.pack(fields)
end

local function unpack_fields(packed)
  local offset, fields = cmsgpack.unpack_one(packed, 1)
  local head = {}
  for place, value in pairs(fields) do head[FIELDS[place]] = value end
  if head.after then head.after = unpack_after(head.after) end
  return head, packed:sub(offset + 1)
end

function packed_job.pack(head, body)
  local shape, a, b, c, d, e = shape_of(head)
  if shape == 0 then return pack_fields(head) .. body end
  if shape == ZONED_CRON then return string.char(shape) .. cmsgpack.pack(a, b, c, d, e) .. body end
  if shape == FIXED_CRON then return string.char(shape) .. cmsgpack.pack(a, b, c, d) .. body end
  return string.char(shape) .. cmsgpack.pack(a, b, c) .. body
end

-- Fields that change when a job runs, that follow from others, or that may say when it was put.
local NOT_DEFINING = {
  left = true, paused_next = true, fixed_second = true, flags = true, start = true, start_given = true,
}

-- Return the etag of a job: a text that changes when people change the job or its pause, and not when it runs. The fields
-- are always set in the same order, so that equal ones are packed alike.
function packed_job.etag(head, body)
  local fields = {}
  for place = 1, #FIELDS do
    local value = head[FIELDS[place]]
    if value and not NOT_DEFINING[FIELDS[place]] then fields[place] = value end
  end
  if head.after then fields[PLACES.after] = pack_after(head.after) end
  if head.every or head.months or head.start_given then fields[PLACES.start] = head.start end
  return redis.sha1hex(cmsgpack.pack(fields) .. body):sub(1, 16)
end

-- Read a job that has only an interval, as most do. Returns the runner, the interval (ms) and the body, or nothing for
-- other jobs.
function packed_job.interval(packed)
  if packed:byte() ~= INTERVAL then return nil end
  local is_read, offset, runner, _, every = pcall(cmsgpack.unpack_limit, packed, 3, 1)
  if is_read and type(runner) == 'string' and is_value('every', every) then
    return runner, every, packed:sub(offset + 1)
  end
end

local function read(packed)
  local shape = packed:byte()
  if shape == INTERVAL then
    local offset, runner, start, every = cmsgpack.unpack_limit(packed, 3, 1)
    return { runner = runner, start = start, every = every }, packed:sub(offset + 1)
  end
  if shape == FIXED_CRON then
    local offset, runner, start, cron, second = cmsgpack.unpack_limit(packed, 4, 1)
    return { runner = runner, start = start, cron = cron, fixed_second = second }, packed:sub(offset + 1)
  end
  if shape == ZONED_CRON then
    local offset, runner, start, cron, second, zone = cmsgpack.unpack_limit(packed, 5, 1)
    return { runner = runner, start = start, cron = cron, fixed_second = second, zone = zone }, packed:sub(offset + 1)
  end
  if shape == CRON then
    local offset, runner, start, cron = cmsgpack.unpack_limit(packed, 3, 1)
    return { runner = runner, start = start, cron = cron }, packed:sub(offset + 1)
  end
  if shape == 0 then return unpack_fields(packed) end
end

-- A short form of is_head for plain cron jobs, because a tick reads many of them.
local function is_valid_head(shape, head)
  if shape == 0 or shape == INTERVAL then return is_head(head) end
  local zone = head.zone
  return type(head.cron) == 'string' and type(head.start) == 'number' and (zone == nil or type(zone) == 'string')
end

-- Return the head and body, or nothing if the job cannot be read.
function packed_job.unpack(packed)
  local is_read, head, body = pcall(read, packed)
  if not (is_read and head and type(head.runner) == 'string' and body:find('\n', 1, true)) then return nil end
  if is_valid_head(packed:byte(), head) then return head, body end
end

-- Return the options (JSON text, or empty) and the payload.
function packed_job.split_body(body)
  local line = body:find('\n', 1, true)
  return body:sub(1, line - 1), body:sub(line + 1)
end

-- Return a body with more options: fields of JSON, as in "a":1,"b":2. None of its own options may have the same name.
function packed_job.add_to_body(body, fields)
  if not fields then return body end
  local options, payload = packed_job.split_body(body)
  return (options == '' and '{' or options:sub(1, -2) .. ',') .. fields .. '}\n' .. payload
end

local NUMBERS = { 'timeout', 'lease', 'losses', 'keep', 'concurrency', 'history' }

-- Read the options of a body. Returns a table, empty if there are none, or nothing if they are invalid.
function packed_job.read_options(body)
  local text = packed_job.split_body(body)
  if text == '' then return {} end
  local is_read, options = pcall(cjson.decode, text)
  if not is_read or text:byte() ~= 123 then return nil end  -- 123: {
  for _, name in ipairs(NUMBERS) do
    if options[name] and type(options[name]) ~= 'number' then return nil end
  end
  if options.rate and not tostring(options.rate):find('^%d+/[%d.]+$') then return nil end
  return options
end

-- Return how many of its runs a job asks to keep, or nothing if it does not. The flags say whether the options are read.
function packed_job.own_history(head, body)
  local has_option = head.flags and head.flags:find('h', 1, true)
  return has_option and (packed_job.read_options(body) or {}).history or nil
end

return packed_job
