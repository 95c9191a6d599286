#!lua
--[[ JRESUME board id [now time]

  Schedule a paused job again, at its next occurrence from now on. What passed while it was paused was not due:
  a single run that has passed does not come any more.

    EVALSHA <JRESUME> 1 {jobs} tick

  Answers the next run in ms since the epoch, or 0 when there is none.
  Errors: JOBS AGAIN, JOBS NOTFOUND, JOBS OPTION.
--]]
--- @include "command"
--- @include "find_job"
--- @include "instant"
--- @include "pairs"
--- @include "next"
--- @include "schedule"

return command(function()
  local board, id = KEYS[1], ARGV[1]
  local now = now_option(read_pairs(ARGV, 2, { now = true }))
  local head, body = find_job(board, id)
  if not head.z then return tonumber(redis.call('ZSCORE', key(board, 'schedule'), id) or 0) end
  local due = next_from(head, head.x, now, new_almanac(board), id)
  head.z, head.x = nil, nil
  redis.call('HSET', key(board, 'job'), id, pack_job(head, body))
  schedule(board, id, due)
  return due or 0
end)
