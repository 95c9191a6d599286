#!lua flags=no-writes
--[[ JALERTS board [name …] [- option value …]
     JALERTS board [name] - open cursor [job id]

  Read alerts by their names, or all of the board, as JSON: what JALERT put was given, and in `open` how many jobs or queues
  it tells of now, as far as 2000 entries of the board tell. `told` is when it told last, if it has told since it was put.
  `etag` is a text that changes when the alert is changed. Pass it to JALERT as `if-match`, and a change that somebody else has
  made meanwhile is not lost.

    FCALL_RO JALERTS 1 {jobs}
      1) {"name":"payments","when":"failed 3, late 10m","for":["team=payments"],"runner":"notify","payload":"ops",
          "every":14400,"burst":10,"open":1,"told":1763900005,"etag":"5f0c…"}

  `every` is in seconds. Options read by workers are in `options`. Returns nothing for a name without an alert.

  `payload 0` leaves payloads out. Without names, `job` reads only the alerts that are for this job or its queue, and `after`
  only those with later names.

  The reply ends early if payloads are large: call again for the rest. Without names, it then ends with an empty text: call
  again with `after` and the last name.

  With `open`, list what one alert tells of now, or all of them, a page at a time. Begin with cursor 0 and go on with the cursor
  that is returned, until that is 0. A page may be empty, and something may be listed twice. `job` lists only what is about this
  job or its queue.

    FCALL_RO JALERTS 1 {jobs} payments - open 0
      1) 0                            the next cursor
      2) 1) {"alert":"payments","kind":"failed","job":"invoices","since":1763900005,"told":1763900005,"more":2,"times":1}

  `since` is since when it goes on, `times` how often it was told, `told` when that was last, and `more` how often it was seen
  since. What waits unserved has a `queue` instead of a `job`, and a board that is behind neither; a long run has its `task`.

  On a partition of a board, `payload` and `told` are only of alerts that were put there, `open` counts what this partition knows,
  and what is about the whole board is where its alert was put.
  Errors: JOBS AGAIN, JOBS NOTFOUND, JOBS OPTION.
--]]
local apply_state = require 'base.apply_state'
local arguments = require 'base.arguments'
local errors = require 'base.errors'
local partition = require 'base.partition'
local describe = require 'alert.describe'
local incidents = require 'alert.incidents'
local matching = require 'alert.matching'
local reports = require 'alert.reports'
local rules = require 'alert.rules'
local telling = require 'alert.telling'

local MAX_COUNTED = 2000  -- entries that are counted at most
local PAGE = 500  -- entries that one page looks at
local MAX_BYTES = 524288  -- of payloads in one reply, which take about 10 ns each
local OPTIONS = { open = true, job = true, after = true, payload = true }

-- Return a function that tells an alert as JSON, or nothing once the reply is large enough.
local function new_reader(board, with_payloads)
  local counts, told, bytes = incidents.count(board, MAX_COUNTED), telling.last_told(board), 0
  return function(rule)
    if bytes >= MAX_BYTES then return nil end
    local payload = with_payloads and not partition.elsewhere(rule.name) and rules.payload(board, rule) or nil
    bytes = bytes + #(payload or '')
    return describe.json(rule, payload, counts[rule.name], told[rule.name])
  end
end

local function read_named(board, names, with_payloads)
  local found, tell = {}, new_reader(board, with_payloads)
  for i, name in ipairs(names) do
    local rule = rules.find(board, name)
    found[i] = rule and tell(rule)
    if rule and not found[i] then return found end
    found[i] = found[i] or false
  end
  return found
end

-- Return the alerts that are for a job, by name.
local function watching(board, job)
  local found, last = {}, nil
  for _, pair in ipairs((matching.of_job(board, job))) do
    if pair[1] ~= last then found[#found + 1] = pair[1] end
    last = pair[1]
  end
  return found
end

local function read_all(board, options, with_payloads)
  local found, tell = {}, new_reader(board, with_payloads)
  for _, rule in ipairs(options.job and watching(board, options.job) or rules.all(board)) do
    if not options.after or rule.name > options.after then
      local text = tell(rule)
      found[#found + 1] = text or ''
      if not text then break end
    end
  end
  return found
end

-- Return what goes on of a job and its queue. What this partition has only reported is among it.
local function about(board, name, job)
  local watched, queue = matching.of_job(board, job)
  local found = incidents.about(board, name, job, watched, queue)
  for _, pair in ipairs(watched) do
    local is_asked = queue and pair[2].kind == 'unserved' and (not name or pair[1].name == name)
    found[#found + 1] = is_asked and reports.find(board, pair[1], 'unserved', queue) or nil
  end
  return found
end

local function list_open(board, name, cursor, job)
  if not cursor:match('^%d+$') then errors.fail_option('open', "expected a cursor, got '" .. cursor:sub(1, 64) .. "'") end
  if name and not rules.find(board, name) then errors.fail('NOTFOUND', "there is no alert '" .. name .. "'") end
  local found, next_cursor
  if job then
    found, next_cursor = about(board, name, job), '0'
  else
    found, next_cursor = incidents.page(board, name, cursor, PAGE)
  end
  for i, one in ipairs(found) do found[i] = describe.incident(one) end
  return { next_cursor, found }
end

return function(board, args)
  apply_state.require_no_pending_apply(board)
  local n = arguments.count_before_dash(args)
  local options = arguments.read_options(args, n + 2, OPTIONS)
  local with_payloads = options.payload ~= '0'
  if options.open then
    if n > 1 then errors.fail('OPTION', 'JALERTS expects at most one name before open') end
    return list_open(board, args[1] ~= '-' and args[1] or nil, options.open, options.job)
  end
  if n == 0 then return read_all(board, options, with_payloads) end
  return read_named(board, { unpack(args, 1, n) }, with_payloads)
end
