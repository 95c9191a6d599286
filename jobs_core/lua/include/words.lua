--- @include "pairs"

-- Split arguments, from `at` on, into lists, each preceded by how many words it has.
local function read_words(args, at)
  local lists = {}
  while at <= #args do
    local words = whole('words', args[at], 1)
    if at + words > #args then fail('OPTION', 'words is more than the arguments that follow') end
    lists[#lists + 1] = { unpack(args, at + 1, at + words) }
    at = at + words + 1
  end
  return lists
end
