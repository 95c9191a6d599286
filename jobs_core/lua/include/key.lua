-- The names of a board's keys. `board` is the tag, such as {jobs}, so they all share one hash slot.
local function key(board, name)
  return board .. ':' .. name
end
