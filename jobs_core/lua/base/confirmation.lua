-- On a durable board, clients call WAIT after each command that may write: see docs/reference/clients.md. WAIT looks at the last
-- write of its own connection. So a command that found its work done leaves a mark: another connection may have done it, and no
-- replica may have it yet.

local confirmation = {}

local is_awaited

function confirmation.begin()
  is_awaited = true
end

-- Nobody waits for replicas to have what this call writes.
function confirmation.skip()
  is_awaited = false
end

-- Write, so that WAIT waits for all that the board has. A call that found nothing to do says nothing that counts, and is polled.
function confirmation.leave_mark(board, reply)
  if not is_awaited or (type(reply) == 'table' and next(reply) == nil) then return end
  local replicas = tonumber(redis.call('HGET', board .. ':settings', 'durable') or nil)
  if replicas and replicas > 0 then redis.call('SET', board .. ':written', '') end
end

return confirmation
