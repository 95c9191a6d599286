--[[ Report the result of a task that was sent.

  KEYS: the circuit. ARGV: the task's token, the pause (ms), now (ms; empty: Redis's own clock), 1 if it
  succeeded, how many failures in a row open the circuit.
  A success closes the circuit. A failure counts as one more in a row, and a failure of the trial opens the circuit again.
  While the circuit is open, failures of tasks that were sent earlier are ignored. Returns 1 if this report opens the
  circuit, otherwise 0.
--]]
local time = redis.call('TIME')
local now = tonumber(ARGV[3]) or time[1] * 1000 + math.floor(time[2] / 1000)
local pause = tonumber(ARGV[2])
if ARGV[4] == '1' then
  redis.call('DEL', KEYS[1])
  return 0
end
local open_until, trial = unpack(redis.call('HMGET', KEYS[1], 'until', 'trial'))
if open_until and trial ~= ARGV[1] then return 0 end
local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
local opens = trial or failures >= tonumber(ARGV[5])
if opens then
  redis.call('HSET', KEYS[1], 'until', now + pause)
  redis.call('HDEL', KEYS[1], 'trial')
end
redis.call('PEXPIRE', KEYS[1], 86400000 + pause)
return opens and 1 or 0
