-- A backfill looks through the tasks of the board a page at a time: queues first, then what is held, delayed, leased, dead.
-- A task that moves back, from a later place to an earlier one, is noted here, so that none is missed.

local key = require('base.keys').key
local records = require 'queue.records'

local moves = {}

-- Return the job and the due, as text, of the task of an occurrence; nothing for pushed and following runs.
function moves.occurrence_of(id)
  return (id or ''):match('^(.*)@(%d+)$')
end

-- Note that a task moves back. Costs one call while nobody looks.
function moves.note(board, record)
  if redis.call('EXISTS', key(board, 'backfill:scans')) == 0 then return end
  local job, due = moves.occurrence_of((records.peek(record)))
  local scans = job and redis.call('HGETALL', key(board, 'backfill:scans')) or {}
  for i = 1, #scans, 2 do
    if scans[i + 1] == job then redis.call('SADD', key(board, 'backfill:busy:' .. scans[i]), due) end
  end
end

return moves
