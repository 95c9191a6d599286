--[[ Ask whether a task may be sent to a target.

  KEYS: the circuit. ARGV: the task's token, the pause (ms), now (ms; empty: Redis's own clock).
  Returns 0 if the task may be sent, or how many ms to wait because the circuit is open. After the pause, the circuit is
  half open: the first task that asks is sent as a trial. If no result of the trial is reported within another pause, the
  next task that asks is the trial.
--]]
local time = redis.call('TIME')
local now = tonumber(ARGV[3]) or time[1] * 1000 + math.floor(time[2] / 1000)
local open_until = tonumber(redis.call('HGET', KEYS[1], 'until') or nil)
if not open_until then return 0 end
if now < open_until then return open_until - now end
redis.call('HSET', KEYS[1], 'until', now + tonumber(ARGV[2]), 'trial', ARGV[1])
redis.call('PEXPIRE', KEYS[1], 86400000 + tonumber(ARGV[2]))
return 0
