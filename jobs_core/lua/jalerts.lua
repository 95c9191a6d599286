#!lua flags=no-writes
--[[ JALERTS board [name …]
     JALERTS board name - open cursor

  Read alerts by their names, or all of the board, as JSON: what JALERT put was given, and in `open` how many jobs or queues
  it tells of now, as far as 2000 entries of the board tell.

    FCALL_RO JALERTS 1 {jobs}
      1) {"name":"payments","when":"failed 3, late 10m","for":["team=payments"],"runner":"notify","payload":"ops",
          "every":14400,"burst":10,"open":1}

  `every` is in seconds. Options read by workers are in `options`. Returns nothing for a name without an alert.

  With `open`, list what one alert tells of now, a page at a time. Begin with cursor 0 and go on with the cursor that is
  returned, until that is 0. A page may be empty, and something may be listed twice.

    FCALL_RO JALERTS 1 {jobs} payments - open 0
      1) 0                            the next cursor
      2) 1) {"kind":"failed","job":"invoices","since":1763900005,"told":1763900005,"more":2}

  `since` is since when it goes on, `told` when it was told last, and `more` how often it was seen since. What waits unserved
  has a `queue` instead of a `job`, and a board that is behind neither; a long run has its `task`.
  Errors: JOBS AGAIN, JOBS NOTFOUND, JOBS OPTION.
--]]
local apply_state = require 'base.apply_state'
local arguments = require 'base.arguments'
local errors = require 'base.errors'
local describe = require 'alert.describe'
local incidents = require 'alert.incidents'
local rules = require 'alert.rules'

local MAX_COUNTED = 2000  -- entries that are counted at most
local PAGE = 500  -- entries that one page looks at

local function read(board, names)
  local found, counts = {}, incidents.count(board, MAX_COUNTED)
  if #names == 0 then
    for i, rule in ipairs(rules.all(board)) do found[i] = describe.json(rule, rules.payload(board, rule), counts[rule.name]) end
    return found
  end
  for i, name in ipairs(names) do
    local rule = rules.find(board, name)
    found[i] = rule and describe.json(rule, rules.payload(board, rule), counts[name]) or false
  end
  return found
end

local function list_open(board, name, cursor)
  if not cursor:match('^%d+$') then errors.fail_option('open', "expected a cursor, got '" .. cursor:sub(1, 64) .. "'") end
  if not rules.find(board, name) then errors.fail('NOTFOUND', "there is no alert '" .. name .. "'") end
  local found, next_cursor = incidents.page(board, name, cursor, PAGE)
  for i, one in ipairs(found) do found[i] = describe.incident(one) end
  return { next_cursor, found }
end

return function(board, args)
  apply_state.require_no_pending_apply(board)
  local n = arguments.count_before_dash(args)
  if n == #args then return read(board, args) end
  local options = arguments.read_options(args, n + 2, { open = true })
  if n ~= 1 or not options.open then errors.fail('OPTION', 'JALERTS expects one name before open') end
  return list_open(board, args[1], options.open)
end
