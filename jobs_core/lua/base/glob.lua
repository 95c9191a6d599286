-- Patterns of names with * and ?. A pattern is split at its stars, and each part is looked for after the one before. So a
-- match takes time in proportion to the lengths, which one pattern of Lua with several stars would not.

local glob = {}

-- Return the pattern of Lua for a part without stars.
local function part_pattern(text)
  return (text:gsub('[%^%$%(%)%%%.%[%]%+%-]', '%%%0'):gsub('%?', '.'))
end

-- Read a pattern, for glob.matches.
function glob.read(text)
  local parts, lengths = {}, {}
  for part in (text .. '*'):gmatch('([^*]*)%*') do
    parts[#parts + 1], lengths[#lengths + 1] = part_pattern(part), #part
  end
  return { parts = parts, last = lengths[#lengths] }
end

-- Whether a name matches a pattern that was read.
function glob.matches(pattern, name)
  local parts, n = pattern.parts, #pattern.parts
  if n == 1 then return name:find('^' .. parts[1] .. '$') ~= nil end
  local _, at = name:find('^' .. parts[1])
  for i = 2, n - 1 do
    if not at then return false end
    _, at = name:find(parts[i], at + 1)
  end
  return at ~= nil and #name - pattern.last >= at and name:find('^' .. parts[n] .. '$', #name - pattern.last + 1) ~= nil
end

return glob
