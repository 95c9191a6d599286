--[[ Ask to send a task to a target.

  KEYS: the circuit. ARGV: the task's token, the pause (ms), now (ms; empty: Redis's own clock).
  Answers 0: go ahead; or how many ms to wait, since the circuit is open. Once its pause is over the circuit is half
  open: the first to ask goes ahead, and is the trial; if nothing is heard of it, another is after the same pause.
--]]
local time = redis.call('TIME')
local now = tonumber(ARGV[3]) or time[1] * 1000 + math.floor(time[2] / 1000)
local shut = tonumber(redis.call('HGET', KEYS[1], 'until') or nil)
if not shut then return 0 end
if now < shut then return shut - now end
redis.call('HSET', KEYS[1], 'until', now + tonumber(ARGV[2]), 'trial', ARGV[1])
redis.call('PEXPIRE', KEYS[1], 86400000 + tonumber(ARGV[2]))
return 0
