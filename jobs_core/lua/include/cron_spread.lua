--- @include "cron_field"

-- H in a cron pattern is a number that the job's id chooses, always the same, so that jobs which are to run some time
-- in an hour or a day do not all run at once. H, H(0-29), H/15 and H(0-29)/10 become a number or a stepped range.

function cron.is_spread(text)
  return text:find('^H') ~= nil or text:find(',H', 1, true) ~= nil
end

do
  -- Which of the numbers from 0 to n - 1 a job's id chooses for a field.
  local function choice(id, name, n)
    return tonumber(redis.sha1hex(name .. ' ' .. id):sub(1, 8), 16) % n
  end

  -- `range` is what stands between H and its step: nothing, or (0-29). Answers its first and last number.
  local function bounds(pattern, name, item, range)
    local field = CRON_FIELDS[name]
    if range == '' then return field.low, field.spread or field.high end
    local from, to = range:match('^%(([^-]+)-([^-]+)%)$')
    if not from then
      cron.refuse(pattern, name .. " '" .. item .. "' is not understood: write H, H(0-9), H/5 or H(0-9)/5")
    end
    return cron.range(pattern, name, from, to)
  end

  local function resolve(pattern, name, item, id)
    local range, step = item:match('^H([^/]*)/([^/]*)$')
    local first, last = bounds(pattern, name, item, range or item:sub(2))
    if not step then return first + choice(id, name, last - first + 1) end
    step = cron.step(pattern, name, item, step)
    return first + choice(id, name, math.min(step, last - first + 1)) .. '-' .. last .. '/' .. step
  end

  -- The text of a field, with every H resolved for a job.
  function cron.spread(pattern, name, text, id)
    if not cron.is_spread(text) then return text end
    if name == 'year' then cron.refuse(pattern, "year '" .. text .. "' has an H, which other fields may have") end
    return (text:gsub('[^,]+', function(item)
      return item:sub(1, 1) == 'H' and resolve(pattern, name, item, id) or nil
    end))
  end
end
