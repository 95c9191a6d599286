local errors = require 'base.errors'
local is_utf8 = require('base.strings').is_utf8

local arguments = {}

-- Clients take a word before a colon for an option, so a name with other characters goes into the sentence.
local function reject_name(name)
  if name:find('^[%w-]+$') then errors.fail_option(name, 'unknown option') end
  errors.fail('OPTION', "unknown option '" .. name .. "'")
end

-- Read the `option value` pairs from `first` to `last` into a table. Reject a name that is in none of up to three sets.
function arguments.read_pairs(args, first, last, names, more, most)
  local options = {}
  for i = first, last, 2 do
    local name, value = args[i], i < last and args[i + 1]
    if not (names[name] or more and more[name] or most and most[name]) then reject_name(name) end
    if not value then errors.fail_option(name, 'expected a value, got none') end
    if options[name] then errors.fail_option(name, 'expected one value, got two') end
    options[name] = value
  end
  return options
end

-- Return the place of the first argument from `at` on that begins no pair of an option in `names` and a value.
function arguments.first_other(args, at, names)
  while args[at] and names[args[at]] do at = at + 2 end
  return math.min(at, #args + 1)
end

-- Return how many arguments come before a dash, or all if there is none.
function arguments.count_before_dash(args)
  for i = 1, #args do
    if args[i] == '-' then return i - 1 end
  end
  return #args
end

-- Read all pairs from `first` on.
function arguments.read_options(args, first, names, more, most)
  return arguments.read_pairs(args, first, #args, names, more, most)
end

-- Read a whole number of at least `least`.
function arguments.whole_number(name, text, least)
  local number = text:match('^%d+$') and tonumber(text)
  if number and number > 2 ^ 53 then errors.fail_option(name, "expected at most 2^53, got '" .. text .. "'") end
  if not number or number < least then
    errors.fail_option(name, 'expected a whole number of at least ' .. least .. ", got '" .. text .. "'")
  end
  return number
end

-- Reject text of more than `most` bytes or one line. The error does not quote it.
function arguments.check_text(name, text, most)
  if #text > most or text:find('%c') or not is_utf8(text) then
    errors.fail_option(name, 'expected UTF-8 of at most ' .. most .. ' bytes, without control characters')
  end
end

-- Reject a group that claims more words than there are arguments left.
function arguments.reject_words(words, left)
  errors.fail_option('words', 'expected at most ' .. left .. ', the number of arguments that follow, got ' .. words)
end

-- Split the arguments from `at` on into lists. A word count precedes each list.
function arguments.split_groups(args, at)
  local lists = {}
  while at <= #args do
    local words = arguments.whole_number('words', args[at], 1)
    if at + words > #args then arguments.reject_words(words, #args - at) end
    lists[#lists + 1] = { unpack(args, at + 1, at + words) }
    at = at + words + 1
  end
  return lists
end

return arguments
