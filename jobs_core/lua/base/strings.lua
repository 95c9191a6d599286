local strings = { CUT = '…' }  -- marks where text was cut

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

-- Return the first bytes of a text, ending with … if it was cut.
function strings.shorten(text, length)
  if #text <= length then return text end
  return strings.cut(text, length - #strings.CUT) .. strings.CUT
end

-- Return the last bytes of a text, beginning with … if it was cut.
function strings.cut_start(text, length)
  if #text <= length then return text end
  local last = text:sub(-math.max(0, length - #strings.CUT) - 1):sub(2)
  return strings.CUT .. last:gsub('^[\128-\191]+', '')
end

return strings
