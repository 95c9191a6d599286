#!lua flags=no-writes
--[[ JDUES board job from time to time [cursor c] [now time]

  List the occurrences of a job from a time on and before another, as its schedule has them now, up to the job's next run; and
  whether each `ran` (its history has a run of it, or a backfill has queued it), was `missed`, or is `unknown`, because the
  history of the job no longer reaches it. Tasks that are queued or running now count as missed: see JTASKS. An interval
  without a start goes back beyond the time it was put.

  One call lists up to 500. Call it again with the returned cursor until that is 0.

    FCALL_RO JDUES 1 {jobs} report from 2026-11-01 to 2026-12-01
      1) 0                                the cursor
      2) 1) (integer) 1793491200000       a time in ms since the epoch
         2) ran
         3) …
  Errors: JOBS AGAIN, JOBS NOTFOUND, JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local cursors = require 'base.cursors'
local digits = require('base.numbers').digits
local past_dues = require 'backfill.past_dues'
local ran = require 'backfill.ran'
local instant = require 'time.instant'

local PAGE_SIZE = 500

-- Let a range begin at the cursor, which is the next occurrence, in ms.
local function continue_range(range, cursor)
  if cursor == '0' then return end
  if not cursors.is_offset(cursor) then cursors.reject('cursor', cursor) end
  range.first = tonumber(cursor)
end

return function(board, args)
  local options = arguments.read_options(args, 2, { from = true, to = true, cursor = true, now = true })
  local job = args[1] or ''
  local range = past_dues.read_range(board, job, options, instant.now(options))
  continue_range(range, options.cursor or '0')
  local dues, following = past_dues.list(range, range.first, PAGE_SIZE)
  local reply = {}
  for i, state in ipairs(ran.states(board, job, dues)) do reply[2 * i - 1], reply[2 * i] = dues[i], state end
  return { following and digits(following) or '0', reply }
end
