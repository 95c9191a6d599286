-- JSON that is passed on as text. Decoding and encoding it again would round large integers and turn empty lists into
-- objects.

local strings = require 'base.strings'

local json_text = {}

-- Return a JSON object of at most `most` bytes. Of one that is too long, keep the end as text, since truncated JSON is
-- invalid.
function json_text.cut(text, most)
  local length, kept = most, text
  while #kept > most and length > 0 do
    length = math.floor(length / 2)
    kept = cjson.encode({ truncated = true, ['end'] = strings.cut_start(text, length) })
  end
  return kept
end

-- Whether all parsers accept a text that cjson accepts. cjson also takes nan, hexadecimal numbers, leading zeros and
-- control characters in strings.
local function is_strict(text)
  local rest = text:gsub('\\.', ''):gsub('"[^"]*"', '"')
  local _, controls = text:gsub('%c', '')
  local _, outside = rest:gsub('%c', '')
  if controls ~= outside then return false end
  rest = rest:gsub('true', ''):gsub('false', ''):gsub('null', '')
  return not (rest:find('[^%d%s{}%[%]",:.eE+-]') or rest:find('[%s%[:,{-]0%d') or rest:find('%d%.%D')
    or rest:find('%-%D') or rest:find('[^eE]%+'))
end

-- Return an object that all parsers accept, in one line: the text itself, or an object with the text.
function json_text.strict(text)
  return is_strict(text) and (text:gsub('%c', ' ')) or cjson.encode({ text = text })
end

return json_text
