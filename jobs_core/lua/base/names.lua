-- Names that people give: of jobs, boards, queues, workers, and values of labels. Whoever reads one must see all of it, or two
-- names look alike. `require_visible` in jobs_core/values.py is the same rule in Python.

local fail_option = require('base.errors').fail_option

local names = {}

-- Characters that show nothing, or reorder what is around them, as UTF-8. Blanks are among them: names have no spaces.
local INVISIBLE = {
  '\194[\128-\160\173]',  -- U+0080 to U+00A0, U+00AD
  '\205\143', '\216\156',  -- U+034F, U+061C
  '\225\133[\159\160]', '\225\154\128', '\225\158[\180\181]', '\225\160[\139-\143]',  -- U+115F to U+180F
  '\226\128[\128-\139\142\143\168-\175]', '\226\129[\159-\175]', '\226\160\128',  -- U+2000 to U+200F, U+2028 to U+206F, U+2800
  '\227\128\128', '\227\133\164',  -- U+3000, U+3164
  '\239\187\191', '\239\190\160', '\239\191[\176-\187]',  -- U+FEFF, U+FFA0, U+FFF0 to U+FFFB
  '\240\155\178[\160-\163]', '\240\157\133[\179-\186]',  -- U+1BCA0 to U+1BCA3, U+1D173 to U+1D17A
  '\243\160[\128-\131].', '\243\160\135[\176-\191]', '\243\160[\136-\191].',  -- U+E0000 to U+E0FFF, without selectors
}

-- Joiners (U+200C, U+200D) and variation selectors (U+FE00 to U+FE0F, U+E0100 to U+E01EF) change the character before them. Many
-- scripts and emoji need that, ASCII does not.
local JOINING = { '\226\128[\140\141]', '\239\184[\128-\143]', '\243\160[\132-\135].' }

local function code_point(character)
  local first = character:byte()
  local value = first % (first < 224 and 32 or first < 240 and 16 or 8)
  for i = 2, #character do value = value * 64 + character:byte(i) % 64 end
  return value
end

local function find_invisible(text)
  for _, pattern in ipairs(INVISIBLE) do
    local found = text:match(pattern)
    if found then return found end
  end
  for _, pattern in ipairs(JOINING) do
    local found = ('-' .. text):match('[%z\1-\127](' .. pattern .. ')')
    if found then return found end
  end
end

-- Reject a name with a character that nobody sees, or that reorders others. `option` is the option for the error.
function names.check_visible(option, text)
  if not text:find('[\128-\255]') then return end
  local found = find_invisible(text)
  if found then
    local code = ('U+%04X'):format(code_point(found))
    fail_option(option, 'expected visible characters, got ' .. code .. ', which is invisible or reorders others')
  end
end

-- Reject a name that cannot be a segment of a URL: clients and proxies resolve these, however they are written.
function names.check_segment(option, text)
  if text == '.' or text == '..' then fail_option(option, 'expected a name other than . and .., which no URL can contain') end
end

return names
