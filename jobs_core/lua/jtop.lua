#!lua flags=no-writes
--[[ JTOP board [rows n] [now time]

  Look at a board as it is now, for a view that is refreshed every second. One call costs little, however large the board is:
  it reads at most `rows` (1 to 100, default 20) tasks, queues and workers.

    FCALL_RO JTOP 1 {jobs}
      1) {"time":1763900005,"ticked":1763900004,"jobs":2,"scheduled":2,"overdue":1,"overdue_since":1763900004,"failing":0,
          "queued":1,"held":0,"delayed":0,"leased":1,"dead":0,"queues":1,"workers":1,"ledger":{"due":9,"done":7,…}}
      2) 1) {"task":"tick@1763900000000","job":"tick","state":"leased","since":1763900001,"until":1763900031,
            "worker":"host-1","runner":"shell","queue":"shell","attempt":1,"timeout":60}
      3) 1) {"queue":"shell","length":1,"oldest":1763900003}
      4) 1) {"worker":"host-1","seen":1763900002,"state":"serving","running":1,"concurrency":10,…}

  Times are in epoch seconds. `ticked` is when somebody ticked last: to the second while tasks run, else to 10 seconds. Tasks
  are those whose leases end first. Queues are the longest, `oldest` is when the next task of one was due, and `queues` and
  `workers` are how many there are. If queues and held lists are more than 500, others are not counted, and `partial` is
  true. Beyond 1 MiB of records, only the ids of tasks are read.
  Returns the board, tasks, queues and workers.
  Errors: JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local fail_option = require('base.errors').fail_option
local key = require('base.keys').key
local describe = require 'job.describe'
local attempts = require 'queue.attempts'
local lanes = require 'queue.lanes'
local leases = require 'queue.leases'
local records = require 'queue.records'
local instant = require 'time.instant'

local ROWS, MAX_ROWS = 20, 100
local MAX_LISTS = 500  -- lanes, or held lists, that are counted
local MAX_BYTES = 1048576  -- of records: payloads are read with them
local COUNTERS = {
  'due', 'queued', 'coalesced', 'skipped', 'done', 'dead', 'cancelled', 'unleased', 'retried', 'failed', 'lost',
}

local function first_members(board, name)
  return redis.call('SSCAN', key(board, name), 0, 'COUNT', MAX_LISTS)[2]
end

-- Return how many tasks limits hold, and whether all held lists were counted.
local function count_held(board)
  local n, limits = 0, first_members(board, 'held')
  for _, limit in ipairs(limits) do n = n + redis.call('LLEN', key(board, 'held:' .. limit)) end
  return n, #limits == redis.call('SCARD', key(board, 'held'))
end

-- Return the queues, longest first, the number of tasks in them, and whether all lanes were counted.
local function find_queues(board)
  local queues, by_name, n = {}, {}, 0
  local members = first_members(board, 'queues')
  for _, lane in ipairs(members) do
    local name, length = lanes.split(lane), redis.call('LLEN', key(board, 'queue:' .. lane))
    local queue = by_name[name]
    if not queue then
      queue = { queue = name, length = 0, lanes = {} }
      queues[#queues + 1], by_name[name] = queue, queue
    end
    if length > 0 then queue.lanes[#queue.lanes + 1] = lane end
    queue.length, n = queue.length + length, n + length
  end
  table.sort(queues, function(a, b)
    if a.length == b.length then return a.queue < b.queue end
    return a.length > b.length
  end)
  return queues, n, #members == redis.call('SCARD', key(board, 'queues'))
end

-- Note that a record was read, and return it.
local function spend(budget, record)
  budget.bytes = budget.bytes - #(record or '')
  return record
end

local function oldest_due(board, queue, budget)
  local oldest
  for _, lane in ipairs(queue.lanes) do
    if budget.bytes <= 0 then return nil end
    local record = spend(budget, redis.call('LINDEX', key(board, 'queue:' .. lane), 0))
    local id = record and records.peek(record)
    local due = id and select(2, records.split_id(id))
    if due and (not oldest or due < oldest) then oldest = due end
  end
  return describe.seconds(oldest)
end

local function describe_queues(board, queues, rows, budget)
  local found = {}
  for i = 1, math.min(rows, #queues) do
    local queue = queues[i]
    found[i] = cjson.encode({ queue = queue.queue, length = queue.length, oldest = oldest_due(board, queue, budget) })
  end
  return found
end

-- Describe a leased task. One whose record was not read has only what its token says.
local function describe_task(token, ends, record)
  local id = records.id_of_token(token) or token
  local found = { task = id, job = records.job_of(id), state = 'leased', ['until'] = describe.seconds(ends) }
  local task = leases.read(record)
  if not task then return found end
  local status, since, worker, progress, note = attempts.current(task)
  found.state, found.since, found.worker = status, describe.seconds(since), worker ~= '-' and worker or nil
  found.progress, found.note = tonumber(progress), note ~= '' and note or nil
  found.runner, found.queue, found.attempt = task.runner, (lanes.split(task.lane)), task.attempt
  found.timeout = tonumber(task.options.timeout)
  return found
end

local function leased_tasks(board, rows, budget)
  local found, members = {}, redis.call('ZRANGE', key(board, 'leased'), 0, rows - 1, 'WITHSCORES')
  for i = 1, #members, 2 do
    local record = budget.bytes > 0 and spend(budget, redis.call('HGET', key(board, 'task'), members[i]))
    found[#found + 1] = cjson.encode(describe_task(members[i], tonumber(members[i + 1]), record or nil))
  end
  return found
end

local function describe_workers(board, rows)
  local found, pairs_read = {}, redis.call('HSCAN', key(board, 'workers'), 0, 'COUNT', rows)[2]
  for i = 1, math.min(#pairs_read, 2 * rows), 2 do
    local seen, report = pairs_read[i + 1]:match('^(%d+) (.*)$')
    local worker = cjson.decode(report or '{}')
    worker.worker, worker.seen = pairs_read[i], describe.seconds(tonumber(seen))
    found[#found + 1] = cjson.encode(worker)
  end
  return found
end

local function read_ledger(board)
  local ledger, values = {}, redis.call('HMGET', key(board, 'stats'), unpack(COUNTERS))
  for i, name in ipairs(COUNTERS) do ledger[name] = tonumber(values[i] or 0) end
  return ledger
end

local function describe_board(board, now)
  local first = redis.call('ZRANGE', key(board, 'schedule'), 0, 0, 'WITHSCORES')[2]
  local overdue = redis.call('ZCOUNT', key(board, 'schedule'), '-inf', now)
  local ticked = tonumber(redis.call('HGET', key(board, 'stats'), 'ticked') or nil)
  return {
    time = describe.seconds(now), ticked = describe.seconds(ticked), ledger = read_ledger(board),
    jobs = redis.call('HLEN', key(board, 'job')), scheduled = redis.call('ZCARD', key(board, 'schedule')),
    overdue = overdue, overdue_since = overdue > 0 and describe.seconds(tonumber(first)) or nil,
    failing = redis.call('ZCARD', key(board, 'failing')), delayed = redis.call('ZCARD', key(board, 'delayed')),
    leased = redis.call('ZCARD', key(board, 'leased')), dead = redis.call('ZCARD', key(board, 'dead')),
    workers = redis.call('HLEN', key(board, 'workers')),
  }
end

return function(board, args)
  local options = arguments.read_options(args, 1, { rows = true, now = true })
  local rows = options.rows and arguments.whole_number('rows', options.rows, 1) or ROWS
  if rows > MAX_ROWS then fail_option('rows', 'expected at most ' .. MAX_ROWS .. ", got '" .. options.rows .. "'") end
  local found, budget = describe_board(board, instant.now(options)), { bytes = MAX_BYTES }
  local queues, queued, has_all = find_queues(board)
  local held, has_all_held = count_held(board)
  found.queues, found.queued, found.held, found.partial = #queues, queued, held, not (has_all and has_all_held) or nil
  return {
    cjson.encode(found), leased_tasks(board, rows, budget), describe_queues(board, queues, rows, budget),
    describe_workers(board, rows),
  }
end
