local keys = {}

-- Return the name of a key. `board` is a hash tag, such as {jobs}, so all keys of a board are in one slot.
function keys.key(board, name)
  return board .. ':' .. name
end

return keys
