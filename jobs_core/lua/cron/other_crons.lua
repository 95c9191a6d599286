-- Rejects syntax of other schedulers, and suggests a replacement.

local fields = require 'cron.fields'

local other_crons = {}

-- cron(…) and rate(…), as EventBridge has them.
local function reject_call(pattern)
  local inner = pattern:match('^cron%((.*)%)$')
  if inner then
    local weekdays = inner:match('^[^ ]+ [^ ]+ [^ ]+ [^ ]+ ([^ ]+)')
    local advice = (weekdays or ''):find('%d') and ', and name the weekdays, which cron counts from SUN = 0' or ''
    fields.reject(pattern, 'cron(…) is not supported', 'write its fields with a second before them, 0 ' .. inner .. advice)
  end
  local count, unit = pattern:match('^rate%(([0-9]+) (%l)%l*%)$')
  if count then fields.reject(pattern, 'rate(…) is not supported', 'write @every ' .. count .. unit) end
end

function other_crons.reject(pattern)
  reject_call(pattern)
  if pattern:match('^[^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ [12]%d%d%d[^ ]*$') then
    fields.reject(pattern, 'expected a second before a pattern with a year', 'write 0 ' .. pattern)
  end
end

return other_crons
