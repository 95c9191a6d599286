--- @include "duration"
--- @include "pairs"

-- The options that a worker reads, and how each is read. Durations become seconds.
local function seconds(name, text)
  local ms = duration(name, text)
  if ms == 0 then fail('OPTION', name .. ' must be longer than 0') end
  return ms / 1000
end

local function word(name, text)
  if not text:match('^[^%s%c]+$') or #text > 256 then
    fail('OPTION', name .. ' must be one word of at most 256 bytes')
  end
  return text
end

local WORKER_OPTIONS = {
  timeout = seconds,
  lease = seconds,
  backoff = seconds,
  policy = word,
  attempts = function(name, text) return whole(name, text, 1) end,
}

-- The worker's options as JSON text, or nothing when there are none.
local function worker_options(options)
  local found = {}
  for name, read in pairs(WORKER_OPTIONS) do
    if options[name] then found[name] = read(name, options[name]) end
  end
  return next(found) and cjson.encode(found) or ''
end
