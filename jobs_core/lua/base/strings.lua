local strings = {}

-- Return the first bytes of a text, without a partial character at the end.
function strings.cut(text, length)
  local first = text:sub(1, length)
  if not text:find('^[\128-\191]', length + 1) then return first end
  return (first:gsub('[\192-\255][\128-\191]*$', ''))
end

local HIGH, REST = '[\128-\255]', '[\128-\191]'
local CHARACTERS = {  -- of several bytes
  '[\194-\223]' .. REST,
  '\224[\160-\191]' .. REST, '[\225-\236\238\239]' .. REST .. REST, '\237[\128-\159]' .. REST,
  '\240[\144-\191]' .. REST .. REST, '[\241-\243]' .. REST .. REST .. REST, '\244[\128-\143]' .. REST .. REST,
}

function strings.is_utf8(text)
  if not text:find(HIGH) then return true end
  for _, character in ipairs(CHARACTERS) do text = text:gsub(character, '.') end
  return not text:find(HIGH)
end

return strings
