-- How long to wait before another attempt. There are two forms, both stored with their durations in seconds:
--
--   [fixed|linear|exponential] duration [max duration] [jitter]     exponential by default
--   duration,duration,… [jitter]                                    the last one repeats

local fail_option = require('base.errors').fail_option
local duration = require 'time.duration'

local backoff = {}

local GROWTHS = { fixed = true, linear = true, exponential = true }

local function plain_seconds(text)
  return string.format('%.14g', duration.seconds('backoff', text))
end

local function reject_backoff(text)
  fail_option('backoff', "expected 10s, 1s,10s,1m or [fixed|linear|exponential] 2s [max 10m] [jitter], got '" .. text .. "'")
end

-- Return the words of the canonical form.
local function read_backoff(words, text)
  local kept, at = {}, 1
  local function take() at = at + 1 return words[at - 1] end
  local function add(word) kept[#kept + 1] = word end
  if GROWTHS[words[at]] then add(take()) end
  local first = take() or reject_backoff(text)
  if first:find(',', 1, true) then
    if #kept > 0 or (',' .. first .. ','):find(',,', 1, true) then reject_backoff(text) end
    local delays = {}
    for delay in first:gmatch('[^,]+') do delays[#delays + 1] = plain_seconds(delay) end
    add(table.concat(delays, ','))
  else
    add(plain_seconds(first))
    if words[at] == 'max' then
      take()
      add('max')
      add(plain_seconds(take() or reject_backoff(text)))
    end
  end
  if words[at] == 'jitter' then add(take()) end
  if words[at] then reject_backoff(text) end
  return kept
end

-- Read a backoff. Returns seconds if it is a plain duration, otherwise text.
function backoff.read(_, text)
  local words = {}
  for word in text:gmatch('%S+') do words[#words + 1] = word end
  local kept = table.concat(read_backoff(words, text), ' ')
  return tonumber(kept) or kept
end

return backoff
