#!lua flags=no-writes
--[[ JCOUNT board

  What is on the board now, as name and number pairs: jobs, scheduled, queued, delayed, leased, dead, and
  queue:<name> for each queue that was ever used.

    EVALSHA <JCOUNT> 1 {jobs}
--]]
--- @include "command"
--- @include "key"

return command(function()
  local board = KEYS[1]
  local queued, queues = 0, {}
  local names = redis.call('SMEMBERS', key(board, 'queues'))
  table.sort(names)
  for _, name in ipairs(names) do
    local length = redis.call('LLEN', key(board, 'queue:' .. name))
    queued = queued + length
    queues[#queues + 1], queues[#queues + 2] = 'queue:' .. name, length
  end
  local counts = {
    'jobs', redis.call('HLEN', key(board, 'job')),
    'scheduled', redis.call('ZCARD', key(board, 'schedule')),
    'queued', queued,
    'delayed', redis.call('ZCARD', key(board, 'delayed')),
    'leased', redis.call('ZCARD', key(board, 'leased')),
    'dead', redis.call('ZCARD', key(board, 'dead')),
  }
  for _, entry in ipairs(queues) do counts[#counts + 1] = entry end
  return counts
end)
