-- Resolves H in cron patterns. H stands for a number derived from the job's id, always the same, so that jobs do not all
-- run at the same time. H, H(0-29), H/15 and H(0-29)/10 become a number or a range with a step.

local fields = require 'cron.fields'

local spread = {}

-- Whether a field has an H. The weekday's may have a + before it.
function spread.applies_to(name, text)
  return (name == 'weekday' and text:gsub('^%+', '') or text):sub(1, 1) == 'H' or text:find(',H', 1, true) ~= nil
end

-- Pick a number from 0 to n - 1. Each field uses other digits of the digest of the job's id.
local function pick(digest, place, n)
  return tonumber(digest:sub(6 * place - 5, 6 * place), 16) % n
end

-- `range` is the text between H and its step: nothing, or (0-29). Returns its first and last number.
local function bounds(pattern, name, item, range)
  local field = fields.RANGES[name]
  if range == '' then return field.low, field.spread_high or field.high end
  local from, to = range:match('^%(([^-]+)-([^-]+)%)$')
  if not from then
    fields.reject(pattern, name .. ": expected H, H(0-9), H/5 or H(0-9)/5, got '" .. item .. "'")
  end
  return fields.range(pattern, name, from, to)
end

local function resolve(pattern, name, item, digest, place)
  local range, step = item:match('^H([^/]*)/([^/]*)$')
  local first, last = bounds(pattern, name, item, range or item:sub(2))
  if not step then return first + pick(digest, place, last - first + 1) end
  local size = last - first + 1
  step = math.min(fields.step(pattern, name, item, step), size)
  return first + pick(digest, place, step) .. '-' .. last .. '/' .. step
end

-- Replace every H in a field for the job whose id has this digest. `place` is the place of the field in the pattern.
function spread.resolve(pattern, name, text, digest, place)
  if text == 'H' and name ~= 'year' then
    local field = fields.RANGES[name]
    return tostring(field.low + pick(digest, place, (field.spread_high or field.high) - field.low + 1))
  end
  if name == 'year' then fields.reject(pattern, "year: expected no H, got '" .. text .. "'") end
  local plus, items = text:match('^(%+?)(.*)$')
  return plus .. (items:gsub('[^,]+', function(item)
    return item:sub(1, 1) == 'H' and resolve(pattern, name, item, digest, place) or nil
  end))
end

return spread
