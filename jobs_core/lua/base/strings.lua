local strings = {}

-- Return the first bytes of a text, without a partial character at the end.
function strings.cut(text, length)
  local first = text:sub(1, length)
  if not text:find('^[\128-\191]', length + 1) then return first end
  return (first:gsub('[\192-\255][\128-\191]*$', ''))
end

return strings
