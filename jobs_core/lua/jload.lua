#!lua
--[[ JLOAD board begin dump layout
     JLOAD board add dump words n kind id [value …] [words n …] …
     JLOAD board end dump [by who] [because text]

  Restore what JDUMP read, on a board without a ledger of its own. `begin` names the dump by an id of the client's choice, and
  the layout of the board that was dumped. `add` writes items; `words` is the number of arguments of each, and `n` its number in
  the dump. An item whose number is not larger than that of the last one was loaded before, and is left alone: so a dump that
  was interrupted is loaded again from its beginning. A rejected item does not affect the others. Add at most about a hundred
  items at once. `end` ends it, and the same dump is not loaded again. Let no worker serve the board before. `by` and `because`
  say who loads it, and why: see JCHANGES.

  Each item belongs to the id after its kind: of a job, or of a task. Those without one belong to the board.

    FCALL JLOAD 1 {jobs} begin 7f3a 5
      (integer) 0
    FCALL JLOAD 1 {jobs} add 7f3a 5 1 counts '' due 12 5 2 counts '' done 12
      1) OK
      2) OK
    FCALL JLOAD 1 {jobs} end 7f3a
      OK

  Returns for `begin` the number of the last item that is loaded, for `add` a list: for each item OK or an error, and for `end`
  OK.
  Errors: JOBS CONFLICT, JOBS LAYOUT, JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local command = require 'base.command'
local errors = require 'base.errors'
local layout = require 'base.layout'
local backfill_state = require 'dump.backfill_state'
local board_state = require 'dump.board_state'
local job_state = require 'dump.job_state'
local load_state = require 'dump.load_state'
local streams = require 'dump.streams'
local tail_state = require 'dump.tail_state'
local task_state = require 'dump.task_state'
local changes = require 'ledger.changes'

local WRITERS = {
  counts = board_state.add_counts, hours = board_state.add_hours, gaps = board_state.add_gaps,
  job = job_state.write, backfilled = job_state.write_backfilled, task = task_state.write,
  history = streams.write_history, changes = streams.write_changes, output = streams.write_output,
  printed = streams.write_printed, tail = tail_state.write,
  backfill = backfill_state.write, dues = backfill_state.write_dues,
}

local function begin(board, args)
  if args[3] ~= layout.VERSION then
    errors.fail('LAYOUT', "the dump is of layout '" .. (args[3] or '') .. "', and this version of Jobs loads ledgers of layout "
      .. layout.VERSION .. ': load it with the version that made it, or leave its ledger out')
  end
  return load_state.begin(board, args[2])
end

local function write(board, kind, id, values)
  local writer = WRITERS[kind or '']
  if not (writer and id) then errors.fail_option('item', "expected what JDUMP lists, got '" .. (kind or '') .. "'") end
  writer(board, id, values)
  return redis.status_reply('OK')
end

local function read_items(args)
  local items = arguments.split_groups(args, 3)
  for _, words in ipairs(items) do words.n = arguments.whole_number('n', words[1], 1) end
  return items
end

local function add(board, args)
  local last, replies = load_state.require_begun(board, args[2]), {}
  for i, words in ipairs(read_items(args)) do
    if words.n <= last then
      replies[i] = redis.status_reply('OK')
    else
      last, replies[i] = words.n, command.attempt(write, board, words[2], words[3], { unpack(words, 4) })
    end
  end
  load_state.note(board, last)
  return replies
end

local function finish(board, args)
  local author = changes.read_author(args, 3)
  if load_state.has_ended(board, args[2]) then return redis.status_reply('OK') end
  local n = load_state.require_begun(board, args[2])
  load_state.finish(board)
  streams.begin_changes(board)
  changes.record(board, 'load', author, { count = n })
  return redis.status_reply('OK')
end

local STEPS = { begin = begin, add = add, ['end'] = finish }

return function(board, args)
  local step = STEPS[args[1] or '']
  if not step then errors.fail('OPTION', "JLOAD expects begin, add or end, got '" .. (args[1] or '') .. "'") end
  load_state.check_id(args[2])
  return step(board, args)
end
