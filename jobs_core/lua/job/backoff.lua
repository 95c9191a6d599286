-- How long to wait before another attempt. There are two forms, whose words may come in any order. Both are stored as shown,
-- with their durations in seconds:
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

-- Sort words by what they are: growth, delay, max or jitter.
local function sort_words(text)
  local found, place = {}, nil
  for word in text:gmatch('%S+') do
    local part = place or (GROWTHS[word] and 'growth') or (word == 'jitter' and word) or 'delay'
    if word == 'max' and not place then
      place = 'max'
    else
      if found[part] then reject_backoff(text) end
      found[part], place = word, nil
    end
  end
  if place or not found.delay then reject_backoff(text) end
  return found
end

local function plain_delays(delay, text)
  if (',' .. delay .. ','):find(',,', 1, true) then reject_backoff(text) end
  return (delay:gsub('[^,]+', plain_seconds))
end

-- Return the canonical form.
local function read_backoff(text)
  local found = sort_words(text)
  if found.delay:find(',', 1, true) and (found.growth or found.max) then reject_backoff(text) end
  return (found.growth and found.growth .. ' ' or '') .. plain_delays(found.delay, text)
    .. (found.max and ' max ' .. plain_seconds(found.max) or '') .. (found.jitter and ' jitter' or '')
end

-- Read a backoff. Returns seconds if it is a plain duration, otherwise text.
function backoff.read(_, text)
  local kept = read_backoff(text)
  return tonumber(kept) or kept
end

return backoff
