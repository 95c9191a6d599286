-- Why an occurrence may have no run. `{b}:stats` counts how many were skipped for each reason, as `skipped:<reason>`.

local skip_reasons = {}

skip_reasons.ALL = { 'late', 'overlap', 'full', 'parents', 'paused', 'changed', 'removed', 'unreadable' }

-- Return the name of the counter of a reason.
function skip_reasons.counter(why)
  return 'skipped:' .. why
end

return skip_reasons
