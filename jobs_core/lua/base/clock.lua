local clock = {}

-- Return the time of Redis's clock, in ms since the epoch.
function clock.now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

return clock
