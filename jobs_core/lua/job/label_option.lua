-- The option `label`: `name=value` for each label, joined by commas. It is stored as a list, sorted by name.

local errors = require 'base.errors'
local names = require 'base.names'
local is_utf8 = require('base.strings').is_utf8

local label_option = {}

local MAX_LABELS, MAX_LENGTH = 16, 63  -- of a job; bytes of a name or a value

-- Check one label. `option` is its name for errors. Returns the name of the label.
local function check(option, label)
  local name, value = label:match('^([^=]*)=(.*)$')
  if not name then
    errors.fail_option(option, "expected name=value, such as team=payments, got '" .. label:sub(1, MAX_LENGTH) .. "'")
  end
  if not name:find('^[%w._-]+$') or #name > MAX_LENGTH then
    errors.fail_option(option, 'expected a name of 1 to ' .. MAX_LENGTH .. ' letters, digits, dots, dashes or underscores, got '
      .. "'" .. name:sub(1, MAX_LENGTH + 20) .. "'")
  end
  if value == '' or #value > MAX_LENGTH or value:find('[%s%c]') or not is_utf8(value) then
    errors.fail_option(option, 'expected a value of 1 to ' .. MAX_LENGTH
      .. " bytes of UTF-8 without spaces, commas or control characters for '" .. name .. "'")
  end
  names.check_visible(option, value)
  return name
end

-- Read labels, at most one of each name. Returns a sorted list, or nil if there are none.
function label_option.read(option, text)
  if text == '' then return nil end
  local labels, values = {}, {}
  for label in (text .. ','):gmatch('([^,]*),') do
    local name = check(option, label)
    if values[name] and values[name] ~= label then
      errors.fail_option(option, "expected one value for '" .. name .. "', got '" .. values[name] .. "' and '" .. label .. "'")
    end
    if not values[name] then labels[#labels + 1] = label end
    values[name] = label
  end
  if #labels > MAX_LABELS then errors.fail_option(option, 'expected at most ' .. MAX_LABELS .. ' labels, got ' .. #labels) end
  table.sort(labels)
  return labels
end

-- Read the labels of a filter, which must have some: else it would choose everything. Returns nil if the option is not given.
function label_option.read_filter(option, text)
  local labels = text and label_option.read(option, text)
  if text and not labels then errors.fail_option(option, 'expected name=value, such as team=payments, got none') end
  return labels
end

-- Return whether a job or task with the options has all of the wanted labels.
function label_option.has_all(options, wanted)
  local found = {}
  for _, label in ipairs(type(options.label) == 'table' and options.label or {}) do found[label] = true end
  for _, label in ipairs(wanted) do
    if not found[label] then return false end
  end
  return true
end

return label_option
