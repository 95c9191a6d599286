local strings = { CUT = '…' }  -- marks where text was cut

-- Return the first bytes of a text, without a partial character at the end.
function strings.cut(text, length)
  local first = text:sub(1, length)
  if not text:find('^[\128-\191]', length + 1) then return first end
  return (first:gsub('[\192-\255][\128-\191]*$', ''))
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
