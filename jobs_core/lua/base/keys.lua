local keys = {}

-- The names of a board's keys. `board` is the tag, such as {jobs}, so they all share one hash slot.
function keys.key(board, name)
  return board .. ':' .. name
end

return keys
