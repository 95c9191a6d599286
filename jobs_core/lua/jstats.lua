#!lua flags=no-writes
--[[ JSTATS board

  The ledger, as name and number pairs, since the board was made: due = queued + coalesced; and of what was
  queued: succeeded, dead, trimmed, unleased (taken at most once), beside retried, lost, released and stale.

    EVALSHA <JSTATS> 1 {jobs}
--]]
--- @include "command"
--- @include "key"

local NAMES = {
  'due', 'queued', 'coalesced', 'pushed', 'leased', 'unleased', 'succeeded', 'retried', 'lost', 'released',
  'stale', 'dead', 'trimmed',
}

return command(function()
  local values = redis.call('HMGET', key(KEYS[1], 'stats'), unpack(NAMES))
  local reply = {}
  for i, name in ipairs(NAMES) do
    reply[#reply + 1], reply[#reply + 2] = name, tonumber(values[i] or 0)
  end
  return reply
end)
