#!lua flags=no-writes
--[[ JGET board id [id …]

  Read jobs as JSON: the options they were put with, `next` (epoch seconds, absent when there is none), `left`
  (runs left of repeat) and `state`: scheduled, paused, ended or manual (it only runs when pushed).

    EVALSHA <JGET> 1 {jobs} tick
      1) {"id":"tick","runner":"shell","payload":"echo hi","every":5,"start":1763900000,"next":1763900005,"state":"scheduled"}

  Answers a list, with a null for each id that is not there.
--]]
--- @include "command"
--- @include "describe"

return command(function()
  local board = KEYS[1]
  local packed = redis.call('HMGET', key(board, 'job'), unpack(ARGV))
  local due = redis.call('ZMSCORE', key(board, 'schedule'), unpack(ARGV))
  local jobs = {}
  for i, id in ipairs(ARGV) do
    jobs[i] = packed[i] and describe(id, packed[i], due[i])
  end
  return jobs
end)
