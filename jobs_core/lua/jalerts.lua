#!lua flags=no-writes
--[[ JALERTS board [name …]

  Read alerts by their names, or all of the board, as JSON: what JALERT put was given, and in `open` how many jobs or queues
  it tells of now.

    FCALL_RO JALERTS 1 {jobs}
      1) {"name":"payments","when":"failed 3, late 10m","for":["team=payments"],"runner":"notify","payload":"ops",
          "every":14400,"burst":10,"open":1}

  `every` is in seconds. Options read by workers are in `options`. Returns nothing for a name without an alert.
  Errors: JOBS OPTION.
--]]
local describe = require 'alert.describe'
local incidents = require 'alert.incidents'
local rules = require 'alert.rules'

local MAX_COUNTED = 2000  -- entries that are counted at most

return function(board, args)
  local found, counts = {}, incidents.count(board, MAX_COUNTED)
  if #args == 0 then
    for i, rule in ipairs(rules.all(board)) do found[i] = describe.json(rule, counts[rule.name]) end
    return found
  end
  for i, name in ipairs(args) do
    local rule = rules.find(board, name)
    found[i] = rule and describe.json(rule, counts[name]) or false
  end
  return found
end
