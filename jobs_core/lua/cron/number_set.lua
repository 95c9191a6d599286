local number_set = {}

-- Build a set of whole numbers from `low` to `high` that is fast to search and count. ceiling[number] is the first member
-- at or after a number (nil: none), and rank[number] the count of members before it, for high + 1 too. `first` is the
-- first member, and `n` the size.
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
