local fail = require('base.errors').fail

local arguments = {}

-- Read the `option value` pairs from `first` to `last` into a table; refuse a name that none of up to three sets has.
function arguments.read_pairs(args, first, last, names, more, most)
  local options = {}
  for i = first, last, 2 do
    local name, value = args[i], i < last and args[i + 1]
    if not (names[name] or more and more[name] or most and most[name]) then
      fail('OPTION', "there is no option '" .. name .. "'")
    end
    if not value then fail('OPTION', "the option '" .. name .. "' has no value") end
    if options[name] then fail('OPTION', "the option '" .. name .. "' is given twice") end
    options[name] = value
  end
  return options
end

-- The same for all pairs from `first` on.
function arguments.read_options(args, first, names, more, most)
  return arguments.read_pairs(args, first, #args, names, more, most)
end

-- Read a whole number of at least `least`.
function arguments.whole_number(name, text, least)
  local number = text:match('^%d+$') and tonumber(text)
  if not number or number < least or number > 2 ^ 53 then
    fail('OPTION', name .. " '" .. text .. "' is not a whole number of at least " .. least)
  end
  return number
end

-- Split arguments, from `at` on, into lists, each preceded by how many words it has.
function arguments.split_groups(args, at)
  local lists = {}
  while at <= #args do
    local words = arguments.whole_number('words', args[at], 1)
    if at + words > #args then fail('OPTION', 'words is more than the arguments that follow') end
    lists[#lists + 1] = { unpack(args, at + 1, at + words) }
    at = at + words + 1
  end
  return lists
end

return arguments
