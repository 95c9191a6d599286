-- The conditions of an alert, as `when` gives them: `failed 3, late 10m`. Each becomes a table: its kind, its text, and what it
-- is compared with: `ms`, `n` (a count), or `factor` (of a job's usual duration).

local arguments = require 'base.arguments'
local fail_option = require('base.errors').fail_option
local duration = require 'time.duration'

local conditions = {}

local function read_count(text)
  return { n = arguments.whole_number('when', text, 1) }
end

local function read_time(text)
  local ms = duration.ms('when', text)
  if ms == 0 then fail_option('when', "expected more than 0, got '" .. text .. "'") end
  return { ms = ms }
end

local function read_time_or_factor(text)
  local factor = tonumber(text:match('^(%d+%.?%d*)x$') or nil)
  if not factor then return read_time(text) end
  if factor <= 1 then fail_option('when', "expected more than 1x, got '" .. text .. "'") end
  return { factor = factor }
end

-- For each kind the function that reads its value, and the value that stands for none. Kinds without a reader have no value.
local KINDS = {
  failed = { read_count, '1' }, dead = {}, recovered = {}, done = {}, late = { read_time }, missed = { read_time, '5m' },
  long = { read_time_or_factor }, silent = { read_time }, unserved = { read_time, '5m' }, behind = { read_time, '1m' },
}
local NAMES = 'failed, dead, recovered, done, late, missed, long, silent, unserved or behind'

local function read_one(text)
  local kind, value = text:match('^%s*(%l+)%s*(%S*)%s*$')
  local known = KINDS[kind]
  if not known then fail_option('when', 'expected ' .. NAMES .. ", got '" .. text:sub(1, 64) .. "'") end
  local read, default = unpack(known, 1, 2)
  if not read and value ~= '' then fail_option('when', kind .. " takes no value, got '" .. value .. "'") end
  if value == '' then value = default end
  if read and not value then fail_option('when', kind .. ' needs a time, such as ' .. kind .. ' 10m') end
  local found = read and read(value) or {}
  found.kind, found.value = kind, read and value or nil
  return found
end

-- Read the conditions of `when`, separated by commas.
function conditions.read(text)
  local found, seen = {}, {}
  for part in (text .. ','):gmatch('([^,]*),') do
    local condition = read_one(part)
    if seen[condition.kind] then fail_option('when', 'expected each condition once, got two of ' .. condition.kind) end
    found[#found + 1], seen[condition.kind] = condition, true
  end
  return found
end

-- Return conditions as text.
function conditions.text(list)
  local parts = {}
  for i, one in ipairs(list) do parts[i] = one.kind .. (one.value and ' ' .. one.value or '') end
  return table.concat(parts, ', ')
end

return conditions
