-- By how much the run of an occurrence is delayed: up to its job's jitter, and always the same for the same occurrence.

local jitter = {}

-- Return the delay (ms) of a task, by its id, if the job's jitter is `most` (ms).
function jitter.delay(task, most)
  return tonumber(redis.sha1hex(task):sub(1, 8), 16) % (most + 1)
end

return jitter
