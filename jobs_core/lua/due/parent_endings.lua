-- The parents of a job that have ended since its last run. `{b}:met:<job>` is the set of their ids. `{b}:endings:<job>`
-- has for each when it ended (ms), a space, and its details: an object without its closing brace, LF, and the data that
-- was reported, if any. Parents that ended before boards had details have none.

local key = require('base.keys').key
local json_text = require 'base.json_text'
local digits = require('base.numbers').digits
local strings = require 'base.strings'
local packed_job = require 'job.packed_job'

local parent_endings = {}

local MAX_DATA = 65536  -- bytes of data of all parents in one task
local MAX_NOTE = 200  -- bytes of each note

-- Describe how a task of a parent has ended. `fields` are those of its event: name, value, name, value …
function parent_endings.describe(job, task, outcome, fields)
  local known = {}
  for i = 1, #fields, 2 do known[fields[i]] = fields[i + 1] end
  local text = '{"job":' .. cjson.encode(job) .. ',"task":' .. cjson.encode(task) .. ',"outcome":"' .. outcome .. '"'
  if known.code then text = text .. ',"code":' .. cjson.encode(known.code) end
  if known.note then text = text .. ',"note":' .. cjson.encode(strings.shorten(known.note, MAX_NOTE)) end
  return text .. '\n' .. (known.data and json_text.strict(known.data) or '')
end

-- Return what each parent may keep at most, so that all fit: those that need less leave room to the others.
local function fair_share(sizes)
  table.sort(sizes)
  local left = MAX_DATA
  for i, size in ipairs(sizes) do
    local share = math.floor(left / (#sizes - i + 1))
    if size > share then return share end
    left = left - size
  end
  return MAX_DATA
end

-- Return a JSON list of details, or nothing if there are none.
function parent_endings.list(details)
  if #details == 0 then return nil end
  local heads, data, sizes, found = {}, {}, {}, {}
  for i, text in ipairs(details) do
    heads[i], data[i] = text:match('^([^\n]*)\n(.*)$')
    sizes[i] = #data[i]
  end
  local share = fair_share(sizes)
  for i, head in ipairs(heads) do
    found[i] = head .. (data[i] ~= '' and ',"data":' .. json_text.cut(data[i], share) or '') .. '}'
  end
  return '[' .. table.concat(found, ',') .. ']'
end

-- Return the body of a task that carries its parents.
function parent_endings.add_to_body(body, list)
  return packed_job.add_to_body(body, list and '"parents":' .. list)
end

-- Record a parent that has ended.
function parent_endings.record(board, id, parent, time, details)
  redis.call('SADD', key(board, 'met:' .. id), parent)
  redis.call('HSET', key(board, 'endings:' .. id), parent, digits(time) .. ' ' .. details)
end

-- Whether enough parents have ended since the job's last run.
function parent_endings.is_complete(board, id, waits)
  return redis.call('SCARD', key(board, 'met:' .. id)) >= (waits.join and 1 or #waits.parents)
end

-- Return the parents that have ended, in the order of `after`: for each its id, when it ended (ms) and the details, which
-- may be missing.
function parent_endings.read(board, id, waits)
  local found = {}
  local met = redis.call('SMISMEMBER', key(board, 'met:' .. id), unpack(waits.parents))
  local endings = redis.call('HMGET', key(board, 'endings:' .. id), unpack(waits.parents))
  for i, parent in ipairs(waits.parents) do
    if met[i] == 1 then
      local time, details = (endings[i] or ''):match('^(%d+) (.+)$')
      found[#found + 1] = { parent = parent, time = tonumber(time or nil), details = details }
    end
  end
  return found
end

function parent_endings.forget(board, id)
  redis.call('DEL', key(board, 'met:' .. id), key(board, 'endings:' .. id))
end

-- Forget some parents.
function parent_endings.forget_parents(board, id, parents)
  redis.call('SREM', key(board, 'met:' .. id), unpack(parents))
  redis.call('HDEL', key(board, 'endings:' .. id), unpack(parents))
end

-- Forget the parents that ended at or before a time.
function parent_endings.forget_until(board, id, waits, time)
  local old = {}
  for _, ending in ipairs(parent_endings.read(board, id, waits)) do
    if (ending.time or 0) <= time then old[#old + 1] = ending.parent end
  end
  if #old > 0 then parent_endings.forget_parents(board, id, old) end
end

-- Take the parents that have ended, for a run: they count for no other. Returns a JSON list, or nothing.
function parent_endings.take(board, id, waits)
  local details = {}
  for i, ending in ipairs(parent_endings.read(board, id, waits)) do
    details[i] = ending.details or '{"job":' .. cjson.encode(ending.parent) .. '\n'
  end
  parent_endings.forget(board, id)
  return parent_endings.list(details)
end

return parent_endings
