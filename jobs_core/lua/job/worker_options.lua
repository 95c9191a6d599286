-- Options of tasks: those that choose the queue, and those that workers read.

local arguments = require 'base.arguments'
local fail_option = require('base.errors').fail_option
local names = require 'base.names'
local backoff = require 'job.backoff'
local label_option = require 'job.label_option'
local duration = require 'time.duration'

local worker_options = {}

function worker_options.word(name, text)
  if not text:match('^[^%s%c]+$') or #text > 256 then
    fail_option(name, 'expected one word of at most 256 bytes')
  end
  names.check_visible(name, text)
  names.check_segment(name, text)
  return text
end

function worker_options.queue_name(text)
  if text:find('!', 1, true) then fail_option('queue', "expected a name without !, got '" .. text .. "'") end
  return worker_options.word('queue', text)
end

-- Read a priority from -9 to 9. Returns nil for 0, the default.
function worker_options.priority(options)
  local text = options.priority or '0'
  local number = text:match('^[+-]?%d+$') and tonumber(text)
  if not number or math.abs(number) > 9 then fail_option('priority', "expected -9 to 9, got '" .. text .. "'") end
  return number ~= 0 and number or nil
end

-- Read outcome codes: 503,timeout. The wildcards are * and ?.
local function codes(name, text)
  if not text:match('^[^%s%c]+$') or (',' .. text .. ','):find(',,', 1, true) then
    fail_option(name, "expected outcome codes such as 503,timeout, got '" .. text .. "'")
  end
  return text
end

-- Read a rate: 100/1m. Returns n/seconds.
function worker_options.rate(name, text)
  local n, period = text:match('^([1-9]%d*)/(%S+)$')
  if not n then fail_option(name, "expected a rate such as 100/1m or 5/s, got '" .. text .. "'") end
  if tonumber(n) > 10000 then fail_option(name, 'expected at most 10000 in a period, got ' .. n .. ': shorten the period') end
  return n .. '/' .. string.format('%.14g', duration.seconds(name, period:match('^%a') and '1' .. period or period))
end

local function losses_option(name, text)
  local n = arguments.whole_number(name, text, 1)
  if n > 20 then fail_option(name, 'expected at most 20, got ' .. n) end
  return n
end

local function at_least_one(name, text)
  return arguments.whole_number(name, text, 1)
end

-- Read a number of bytes from 1 KiB to 64 MiB.
local function keep_bytes_option(name, text)
  local n = arguments.whole_number(name, text, 1024)
  if n > 67108864 then fail_option(name, 'expected at most 67108864 (64 MiB), got ' .. text) end
  return n
end

local function history_option(name, text)
  local n = arguments.whole_number(name, text, 0)
  if n > 1000 then fail_option(name, 'expected at most 1000, got ' .. text) end
  return n
end

-- Read free text of one or more lines.
local function description_option(name, text)
  if #text > 1000 then fail_option(name, 'expected at most 1000 bytes, got ' .. #text) end
  return text
end

-- Read names of rules of `jobs lint`: no-timeout,crowded.
local function rules_option(name, text)
  if not text:match('^[%l%d,-]+$') or #text > 1000 or (',' .. text .. ','):find(',,', 1, true) then
    fail_option(name, "expected names of rules such as no-timeout,crowded, got '" .. text .. "'")
  end
  return text
end

-- Read the URL of a monitor: https://hc-ping.com/<id>
local function ping_option(name, text)
  if not text:match('^https?://[^%s%c/?#]+[^%s%c]*$') or #text > 2000 then
    fail_option(name, 'expected a URL with http:// or https://, of at most 2000 bytes')
  end
  return text
end

-- Read a runner and what it gets: `notify ops`.
local function runner_and_payload(name, text)
  local runner, payload = text:match('^(%S+) ?(.*)$')
  if not runner or not runner:match('^[%w][%w._-]*$') or #runner > 64 then
    fail_option(name, 'expected a runner and its payload, such as: notify ops')
  end
  if #payload > 65536 then fail_option(name, 'expected a payload of at most 65536 bytes, got ' .. #payload) end
  return text
end

-- The options for workers, and the function that reads each. Durations become seconds.
worker_options.READERS = {
  timeout = duration.seconds,
  lease = duration.seconds,
  policy = worker_options.word,
  attempts = at_least_one,
  backoff = backoff.read,
  ['retry-on'] = codes,
  ['never-on'] = codes,
  losses = losses_option,
  keep = duration.seconds,
  ['keep-bytes'] = keep_bytes_option,
  concurrency = at_least_one,
  rate = worker_options.rate,
  description = description_option,
  history = history_option,
  label = label_option.read,
  ['lint-ignore'] = rules_option,
  ['on-failure'] = runner_and_payload,
  ['on-success'] = runner_and_payload,
  ping = ping_option,
}

local NEED_LEASE = {
  'lease', 'attempts', 'backoff', 'retry-on', 'never-on', 'losses', 'concurrency', 'keep', 'keep-bytes',
}

local function check_contradictions(options)
  if options.policy ~= 'none' then return end
  for _, name in ipairs(NEED_LEASE) do
    if options[name] then fail_option(name, 'cannot be combined with policy none, which has no lease') end
  end
end

-- Return the flags that summarize the options: see queue/records.lua.
function worker_options.flags(found)
  return (found.keep and 'k' or '') .. (found.lease and 'l' or '') .. (found.policy == 'none' and 'n' or '')
    .. ((found.concurrency or found.rate) and 'r' or '') .. (found.history and 'h' or '')
    .. (found['on-success'] and 's' or '')
end

-- Return options as JSON in a fixed order, so that the same options are always the same text: a job's etag is made of it.
local function sorted_json(options)
  local parts = {}
  for name, value in pairs(options) do parts[#parts + 1] = '"' .. name .. '":' .. cjson.encode(value) end
  table.sort(parts)
  return '{' .. table.concat(parts, ',') .. '}'
end

-- Return the options for workers as JSON text, empty if there are none, and their flags.
function worker_options.to_json(options)
  check_contradictions(options)
  local found = {}
  for name, value in pairs(options) do
    local read = worker_options.READERS[name]
    if read then found[name] = read(name, value) end
  end
  if not next(found) then return '', '' end
  return sorted_json(found), worker_options.flags(found)
end

return worker_options
