-- Decides which occurrences of a job run, by its options for late ones (`misfire`, `grace`) and overlapping ones
-- (`overlap`).

local next_run = require 'define.next_run'
local overlap_rule = require 'due.overlap_rule'

local misfire = {}

local DEFAULT_GRACE = 60000  -- default of `grace` with misfire skip, in ms
local MAX_RUNS = 100  -- runs that misfire all queues at once; the rest are coalesced

-- Skip occurrences that are too late. Returns the first that is not, how many were skipped, and the iterations it took.
local function skip_late(head, due, now, cache, id)
  local grace = head.grace or head.misfire == 'skip' and DEFAULT_GRACE
  if not grace or due >= now - grace then return due, 0, 0 end
  local first, passed, iterations = next_run.after(head, due, now - grace - 1, cache, id)
  return first, passed + 1, iterations or 0
end

-- Return the occurrences from `first` on that get a run each, the one that follows, how many were skipped, and the
-- iterations it took.
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

-- Select the runs from the occurrences between `due` and `now`. `overlap` is the rule that counts now. Returns a table:
-- `runs` (ms); the `following` run; how many were `coalesced` into the runs, came too `late`, or came while a run was under
-- way (`busy`); and the `iterations` it took.
function misfire.select_runs(board, head, overlap, due, now, cache, id)
  local first, late, iterations = skip_late(head, due, now, cache, id)
  if not first or first > now then
    return { runs = {}, following = first, coalesced = 0, late = late, busy = 0, iterations = iterations }
  end
  local runs, following, passed, more = list_runs(head, first, now, cache, id)
  local allowed, busy = overlap_rule.allowed_runs(board, id, overlap, now), 0
  while #runs > allowed do
    runs[#runs] = nil
    busy = busy + 1
  end
  if #runs == 0 then busy, passed = busy + passed, 0 end  -- no run to coalesce into
  return {
    runs = runs, following = following, coalesced = passed, late = late, busy = busy,
    iterations = iterations + 10 * more,  -- a task takes far longer than an iteration
  }
end

return misfire
