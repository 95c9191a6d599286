-- Alerts about what serves the board: `unserved`, a queue whose tasks no worker takes, and `behind`, when nobody ticks, or
-- ticks cannot keep up.

local key = require('base.keys').key
local incidents = require 'alert.incidents'
local rules = require 'alert.rules'
local scope = require 'alert.scope'
local lanes = require 'queue.lanes'
local records = require 'queue.records'

local service = {}

local PAUSE = 5000  -- ms until the next round
local SILENT = 30000  -- ms without a report after which a worker counts as gone: it reports every 10 seconds

-- Return the set of queues that living workers serve.
local function served(board, now)
  local found = {}
  for _, text in ipairs(redis.call('HVALS', key(board, 'workers'))) do
    local seen, report = text:match('^(%d+) (.*)$')
    local known = seen and tonumber(seen) >= now - SILENT and cjson.decode(report)
    local queues = known and known.state ~= 'draining' and (known.queues or known.runners) or {}
    for _, queue in ipairs(queues) do found[queue] = true end
  end
  return found
end

-- Return the queues in which tasks wait, each with the job of its first.
local function waiting(board)
  local found = {}
  for _, lane in ipairs(redis.call('SMEMBERS', key(board, 'queues'))) do
    local record = redis.call('LINDEX', key(board, 'queue:' .. lane), 0)
    local id = record and records.peek(record)
    if id then found[lanes.split(lane)] = records.job_of(id) end
  end
  return found
end

-- Look for queues that nobody serves. `state` has since when (ms) each was found so. Returns when to look again, or nothing if
-- nobody asks, the state, and that this was a whole round.
function service.unserved_round(board, state, now)
  if not rules.least(board, 'unserved') then return nil end
  local serves, found, since = served(board, now), rules.with(board, { unserved = true }), {}
  for queue, job in pairs(waiting(board)) do
    if not serves[queue] then
      since[queue] = state and state[queue] or now
      for _, pair in ipairs(found) do
        if now - since[queue] >= pair[2].ms and scope.covers(board, pair[1], job, queue) then
          incidents.fire(board, pair[1], pair[2], queue, { queue = queue, job = job, since = since[queue] / 1000 }, now)
        end
      end
    end
  end
  local is_left = incidents.close_unseen(board, 'unserved', now, now, function(queue) return { queue = queue } end)
  return now + (is_left and 100 or PAUSE), next(since) and since or nil
end

-- Nobody ticked from one time to another, though something was due.
function service.note_gap(board, from, to)
  if not rules.least(board, 'behind') then return end
  for _, pair in ipairs(rules.with(board, { behind = true })) do
    if to - from > pair[2].ms then
      incidents.fire(board, pair[1], pair[2], '', { since = from / 1000, upto = to / 1000, why = 'idle' }, to)
    end
  end
end

-- Look whether ticks keep up: whether what is due first was due long ago.
function service.behind_round(board, _, now)
  if not rules.least(board, 'behind') then return nil end
  local first = redis.call('ZRANGE', key(board, 'schedule'), 0, 0, 'WITHSCORES')
  local due = tonumber(first[2] or now)
  for _, pair in ipairs(rules.with(board, { behind = true })) do
    if now - due > pair[2].ms then
      incidents.fire(board, pair[1], pair[2], '', { since = due / 1000, why = 'backlog' }, now)
    end
  end
  incidents.close_unseen(board, 'behind', now, now, function() return {} end)
  return now + PAUSE
end

return service
