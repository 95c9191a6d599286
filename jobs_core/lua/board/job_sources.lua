-- Where JFIND looks for jobs. A source yields a page of ids from a position on, and the next position, or none at the end.
-- Positions are texts, and nil is the beginning. Sources that may name the same job twice, or one that is gone, say so.

local cursors = require 'base.cursors'
local key = require('base.keys').key
local digits = require('base.numbers').digits
local labels = require 'define.labels'
local records = require 'queue.records'
local task_locations = require 'queue.task_locations'

local job_sources = {}

job_sources.LATE = 5000  -- ms after which what is due counts as late

local PAGE_SIZE = 250

-- The jobs of an index, by id: an id is a position that nobody can move.
local function read_index(name, position, count)
  local ids = redis.call('ZRANGE', name, position and '(' .. position or '-', '+', 'BYLEX', 'LIMIT', 0, count)
  return ids, #ids == count and ids[#ids] or nil
end

local function scan_scores(name, position, count, id_of)
  local page = redis.call('ZSCAN', name, position or '0', 'COUNT', count)
  local ids = {}
  for i = 1, #page[2], 2 do ids[#ids + 1] = id_of(page[2][i], tonumber(page[2][i + 1])) end
  return ids, page[1] ~= '0' and page[1] or nil
end

local function read_failing(board, criteria, position, count)
  return scan_scores(key(board, 'failing'), position, count, function(id, failures)
    return failures >= criteria.failing and id or nil
  end)
end

local function read_running(board, _, position, count)
  return scan_scores(key(board, 'leased'), position, count, function(token)
    local id = records.id_of_token(token)
    return id and records.job_of(id)
  end)
end

-- Jobs whose next run has passed, and that no tick has queued.
local function read_overdue(board, criteria, position, count)
  local first = tonumber(position or 0)
  local page = redis.call('ZRANGE', key(board, 'schedule'), digits(first), digits(first + count - 1), 'WITHSCORES')
  local ids, limit = {}, criteria.now - job_sources.LATE
  for i = 1, #page, 2 do
    if tonumber(page[i + 1]) >= limit then return ids, nil end
    ids[#ids + 1] = page[i]
  end
  return ids, #ids == count and digits(first + count) or nil
end

local WAITING_STATES = { 'queued', 'held' }
local FIRST_ATTEMPT = '^1%l*\n'

-- Jobs with a task that waits for its first attempt, in a queue or for a limit.
local function read_waiting(board, criteria, position, count)
  local ids, limit = {}, criteria.now - job_sources.LATE
  local places = task_locations.of_states(board, WAITING_STATES)
  local cursor = task_locations.scan(board, places, position or '0', count, function(_, record)
    local id = record:find(FIRST_ATTEMPT) and records.peek(record)
    local job, due = records.split_id(id or '')
    if due and due < limit then ids[#ids + 1] = job end
    return 1
  end)
  return ids, cursor ~= '0' and cursor or nil
end

-- All jobs, with their packed values by id.
local function read_all(board, _, position, count)
  local page = redis.call('HSCAN', key(board, 'job'), position or '0', 'COUNT', math.min(count, 100))
  local ids, packed = {}, {}
  for i = 1, #page[2], 2 do
    ids[#ids + 1] = page[2][i]
    packed[page[2][i]] = page[2][i + 1]
  end
  return ids, page[1] ~= '0' and page[1] or nil, packed
end

local READERS = {
  failing = read_failing, running = read_running, overdue = read_overdue, waiting = read_waiting, all = read_all,
}

-- The source to continue with when one has come to its end.
local FOLLOWING = { overdue = 'waiting' }

-- Choose the source with the fewest jobs. Whether a job is late or running can only be found from the tasks.
function job_sources.choose(board, criteria)
  if criteria.late then return 'overdue' end
  if criteria.running then return 'running' end
  local source, size = 'all', math.huge
  if criteria.failing then source, size = 'failing', redis.call('ZCARD', key(board, 'failing')) end
  for at, label in ipairs(criteria.label) do
    local n = redis.call('ZCARD', labels.index(board, label))
    if n < size then source, size = 'label' .. at, n end
  end
  return source
end

-- Return whether `choose`, or a source that follows, may have come to a position with these criteria. The source `waiting`
-- checks its position itself.
function job_sources.is_known(source, position, criteria)
  if criteria.late then
    return source == 'waiting' or source == 'overdue' and (not position or cursors.is_offset(position))
  end
  if criteria.label[tonumber(source:match('^label(%d+)$'))] then return true end
  if position and not cursors.is_scan(position) then return false end
  if criteria.running then return source == 'running' end
  return source == 'all' or source == 'failing' and criteria.failing ~= nil
end

-- Read a page of about `count` ids. Returns ids, the next source and position, or nothing at the end, and perhaps packed
-- jobs by id.
function job_sources.read(board, criteria, source, position, count)
  local ids, following, packed
  count = math.min(count, PAGE_SIZE)
  if READERS[source] then
    ids, following, packed = READERS[source](board, criteria, position, count)
  else
    ids, following = read_index(labels.index(board, criteria.label[tonumber(source:match('%d+'))]), position, count)
  end
  if following then return ids, source, following, packed end
  return ids, FOLLOWING[source], nil, packed
end

return job_sources
