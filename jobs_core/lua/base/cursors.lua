-- Positions in cursors. Callers send back what a command returned, or by mistake something else, of which Redis would speak in
-- terms of its own commands.

local fail_option = require('base.errors').fail_option

local cursors = {}

-- Return whether a text is a place in a list, or an instant in ms: a whole number that Lua keeps exactly.
function cursors.is_offset(text)
  return #text <= 15 and text:find('^%d+$') ~= nil
end

-- Return whether a text may be a cursor of SCAN, which has 64 bits.
function cursors.is_scan(text)
  return #text <= 19 and text:find('^%d+$') ~= nil
end

-- Return whether a text may be the id of an entry of a stream.
function cursors.is_entry(text)
  local time, number = text:match('^(%d+)%-(%d+)$')
  return time ~= nil and #time <= 19 and #number <= 19 and text:find('[1-9]') ~= nil
end

-- Reject a cursor. `option` is the option for the error.
function cursors.reject(option, text)
  fail_option(option, "expected 0, or the cursor that was returned for the same options, got '" .. text:sub(1, 64) .. "'")
end

return cursors
