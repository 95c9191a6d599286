-- Counts the commands that this copy of the library has run, so that a module can tell what it knows of this call from what it
-- knew of one before.

local call_number = {}

local number = 0

function call_number.current()
  return number
end

function call_number.begin()
  number = number + 1
end

return call_number
