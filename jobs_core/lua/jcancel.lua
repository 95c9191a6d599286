#!lua flags=allow-oom
--[[ JCANCEL board id [cursor]

  Cancel the tasks of an id, wherever they are. One that waits ends at once, and so does one that was accepted. One
  that runs is marked, and its worker told: its token goes to `{b}:inbox:<worker>`, and JBEAT answers 2 for it. It ends
  as cancelled when the worker reports that, or when its lease lapses. Dead letters have ended already.

  A call looks at some hundred tasks: call it again with the cursor it answers, until that is 0.

    EVALSHA <JCANCEL> 1 {jobs} tick@1763900005000
      1) 0                      the cursor
      2) 1) cancelled           what was done: cancelled, or cancelling (it runs)
  Errors: JOBS OPTION.
--]]
--- @include "command"
--- @include "clock"
--- @include "fail"
--- @include "lease"
--- @include "cancel"
--- @include "follow"
--- @include "places"

local PAGE = 500

local function tell_cancelled(board, task)
  tell(board, task, task.attempt, 'cancelled', {})
  return 'cancelled'
end

local function cancel_delayed(board, ticket)
  local task = read_record(redis.call('HGET', key(board, 'task'), ticket))
  redis.call('ZREM', key(board, 'delayed'), ticket)
  finish(board, ticket, task, 'cancelled', clock())
  return tell_cancelled(board, task)
end

-- It may have left the place since the page was read; then it is met again where it is now.
local function cancel_queued(board, place, record)
  if redis.call('LREM', key(board, place), -1, record) == 0 then return nil end
  local limit = place:match('^held:(.*)$')
  if limit and redis.call('EXISTS', key(board, place)) == 0 then redis.call('SREM', key(board, 'held'), limit) end
  local task = read_record(record)
  if not limit then make_room(board, task) end
  tally(board, task_job(task.id), 'cancelled', 1)
  close_run(board, task.id)
  note_ending(board, task_job(task.id), 'cancelled', clock())
  return tell_cancelled(board, task)
end

local function cancel(board, place, member)
  if place == 'leased' then return cancel_held(board, member, clock()) and 'cancelled' or 'cancelling' end
  if place == 'delayed' then return cancel_delayed(board, member) end
  return cancel_queued(board, place, member)
end

return command(function()
  local board, id = KEYS[1], ARGV[1] or ''
  if not task_job(id) then fail('OPTION', "'" .. id .. "' is not the id of a task: <job>@<due>") end
  local found = {}
  -- In the order in which tasks move, so that one that is taken meanwhile is met again.
  local names = places_of(board, { 'queued', 'held', 'delayed', 'leased' })
  local cursor = walk(board, names, ARGV[2] or '0', PAGE, function(place, member)
    local is_it = (SETS[place] and token_task or record_id)(member) == id
    local done = is_it and cancel(board, place, member)
    if done then found[#found + 1] = done end
    return 1, done
  end)
  follow_endings(board)
  return { cursor, found }
end)
