#!lua flags=no-writes
--[[ JDUMP board place cursor [id …]

  Read what a board has besides its jobs and alerts, a page at a time, so that JLOAD restores it on another board. Start with
  cursor 0, and pass the returned cursor until it is 0 again.

    state        what changes with the board: read it first and last, and compare. It is rejected while tasks are leased
    counts       the counters of the board, without the tasks that `tasks` lists: name, value …
    hours        the counts of JHOURS, and `gaps`, what JGAPS returns
    jobs         of the jobs with these ids: counters, runs, and what they wait for
    tasks        tasks that are queued, held, delayed or dead, each with its record
    history      the entries of the history, and `changes`, those of JCHANGES
    outputs      the output that is kept of the tasks with these ids
    tails        the last lines that tasks printed
    backfills    the backfills; `dues`, what those with these numbers have left to queue; `backfilled`, what backfills of the
                 jobs with these ids have queued

  An item is a list of words: its kind, the id of the job or task that it belongs to (empty for the board), and its values. Which
  values those are may change from version to version.

    FCALL_RO JDUMP 1 {jobs} counts 0
      1) "0"
      2) 1) 1) "counts" 2) "" 3) "due" 4) "12" 5) "queued" 6) "12" 7) "done" 8) "12"

  Returns the next cursor, and a list of items.
  Errors: JOBS AGAIN, JOBS CONFLICT, JOBS OPTION.
--]]
local apply_state = require 'base.apply_state'
local errors = require 'base.errors'
local key = require('base.keys').key
local backfill_state = require 'dump.backfill_state'
local board_state = require 'dump.board_state'
local items = require 'dump.items'
local job_state = require 'dump.job_state'
local streams = require 'dump.streams'
local tail_state = require 'dump.tail_state'
local task_state = require 'dump.task_state'

local MAX_IDS = 200

local function last_entry(board, stream)
  local last = redis.call('XREVRANGE', key(board, stream), '+', '-', 'COUNT', 1)[1]
  return last and last[1] or '-'
end

-- Reject a board that is at work: what happens meanwhile would be in a dump twice, or not at all.
local function require_rest(board)
  local leased = redis.call('ZCARD', key(board, 'leased'))
  if leased > 0 then
    errors.fail('CONFLICT', 'tasks are running on the board (' .. leased .. '): stop its workers, wait until they have ended, '
      .. 'and dump again')
  end
  local follow, notices = key(board, 'follow'), key(board, 'alerts:notices')
  if redis.call('EXISTS', follow, notices, key(board, 'outgoing'), key(board, 'relink')) > 0 then
    errors.fail('CONFLICT', 'what follows from the last runs is not done yet: run `jobs tick --once`, and dump again')
  end
  local planned = backfill_state.find_planned(board)
  if planned then
    errors.fail('CONFLICT', 'backfill ' .. planned .. ' is being planned or cancelled: run `jobs tick --once` until it is not, '
      .. 'and dump again')
  end
end

local function read_state(board)
  require_rest(board)
  local values = board_state.counts(board)[1] or {}
  local text = table.concat(values, ' ') .. ' ' .. last_entry(board, 'changes') .. ' ' .. last_entry(board, 'history')
    .. ' ' .. redis.call('HLEN', key(board, 'job'))
  return { { 'state', '', redis.sha1hex(text) } }
end

-- What is read at once.
local WHOLE = {
  state = read_state, counts = board_state.counts, hours = board_state.hours, gaps = board_state.gaps,
  backfills = backfill_state.read,
}

-- What is read a page at a time. Each returns items and the next cursor.
local PAGED = {
  tasks = task_state.page, tails = tail_state.page,
  history = function(board, cursor) return streams.page(board, 'history', cursor) end,
  changes = function(board, cursor) return streams.page(board, 'changes', cursor) end,
}

-- What is read of each of some ids.
local BY_ID = {
  jobs = job_state.read, outputs = streams.read_output, dues = backfill_state.read_dues,
  backfilled = job_state.read_backfilled,
}

local function read(board, place, cursor, ids)
  if WHOLE[place] then return WHOLE[place](board), '0' end
  if PAGED[place] then return PAGED[place](board, cursor) end
  local read_one = BY_ID[place]
  if not read_one then errors.fail_option('place', "expected what JDUMP reads, such as counts, got '" .. place .. "'") end
  if #ids > MAX_IDS then errors.fail_option('id', 'expected at most ' .. MAX_IDS .. ' ids, got ' .. #ids) end
  return items.of_each(ids, cursor, function(id, position) return read_one(board, id, position) end)
end

return function(board, args)
  local place, cursor = args[1], args[2]
  if not cursor then errors.fail('OPTION', 'JDUMP expects a place and a cursor') end
  apply_state.require_no_pending_apply(board)
  local found, following = read(board, place, cursor, { unpack(args, 3) })
  return { following, found }
end
