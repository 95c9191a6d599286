-- What becomes of the occurrences of a job that has rules of its own for late ones (`misfire`, `grace`) or for those
-- that come while an earlier one is under way (`overlap`).

local next_run = require 'define.next_run'
local overlap_rule = require 'due.overlap_rule'

local misfire = {}

local DEFAULT_GRACE = 60000  -- ms that a run may be late with misfire skip, unless the job says otherwise
local MAX_RUNS = 100  -- occurrences that misfire all queues at once; what is more is coalesced

-- Pass over what is too late. Returns the first occurrence that is not, and how many are.
local function skip_late(head, due, now, cache, id)
  local grace = head.grace or head.misfire == 'skip' and DEFAULT_GRACE
  if not grace or due >= now - grace then return due, 0, 0 end
  local first, passed, iterations = next_run.after(head, due, now - grace - 1, cache, id)
  return first, passed + 1, iterations or 0
end

-- The occurrences from `first` on that are each a run of their own, what follows them, how many were passed over.
local function list_runs(head, first, now, cache, id)
  local most = math.min(head.misfire == 'all' and MAX_RUNS or 1, head.left or MAX_RUNS)
  local runs = { first }
  while #runs < most do
    local following = next_run.after(head, runs[#runs], runs[#runs], cache, id)
    if not following or following > now then return runs, following, 0, #runs end
    runs[#runs + 1] = following
  end
  local after, passed, iterations = next_run.after(head, runs[#runs], now, cache, id)
  return runs, after, passed, #runs + (iterations or 0)
end

-- Judge what was due from `due` until `now`. Returns a table: `runs` (ms), the run that is `following`, how many were
-- `coalesced` into them, came too `late` or while an earlier run was `busy`, and the `strides` it took.
function misfire.select_runs(board, head, due, now, cache, id)
  local first, late, iterations = skip_late(head, due, now, cache, id)
  if not first or first > now then
    return { runs = {}, following = first, coalesced = 0, late = late, busy = 0, iterations = iterations }
  end
  local runs, following, passed, more = list_runs(head, first, now, cache, id)
  local allowed, busy = overlap_rule.allowed_runs(board, id, head.overlap, now), 0
  while #runs > allowed do
    runs[#runs] = nil
    busy = busy + 1
  end
  if #runs == 0 then busy, passed = busy + passed, 0 end  -- there is nothing to be coalesced into
  return {
    runs = runs, following = following, coalesced = passed, late = late, busy = busy,
    iterations = iterations + 10 * more,  -- a run is a task, which takes far longer than a stride
  }
end

return misfire
