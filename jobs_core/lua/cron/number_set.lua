local number_set = {}

-- A set of whole numbers from `low` to `high`, made quick to search and to count. For each of them, least[number] is
-- the first member from there on (nil: none), and before[number] how many come before it, for high + 1 too. `first`
-- is the first member, and `n` how many there are.
function number_set.new(set, low, high)
  local ceiling, rank, n, first, open = {}, {}, 0, nil, low
  for number = low, high do
    rank[number] = n
    if set[number] then
      for earlier = open, number do ceiling[earlier] = number end
      n, first, open = n + 1, first or number, number + 1
    end
  end
  rank[high + 1] = n
  return { ceiling = ceiling, rank = rank, n = n, first = first }
end

return number_set
