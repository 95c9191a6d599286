-- Reads and writes the jobs of one call in batches, which costs less than one by one.

local key = require('base.keys').key
local timers = require 'queue.timers'

local job_store = {}

local READ_SIZE = 10  -- jobs per read: payloads may be large
local WRITE_SIZE = 500  -- jobs per write

function job_store.new(board)
  return {
    board = board, expected = {}, at = 0,
    packed = {}, due = {},  -- by id, where known; false for jobs that do not exist
    changed = {},  -- ids, in order
  }
end

-- Announce the ids of the jobs that will be read, in this order.
function job_store.expect(store, ids)
  store.expected, store.at = ids, 0
end

local function read_chunk(store)
  local ids = { unpack(store.expected, store.at + 1, store.at + READ_SIZE) }
  store.at = store.at + #ids
  local packed = redis.call('HMGET', key(store.board, 'job'), unpack(ids))
  for i = 1, #ids do
    if store.packed[ids[i]] == nil then store.packed[ids[i]] = packed[i] end
  end
end

-- Return the packed job of an id, or false.
function job_store.find(store, id)
  while store.packed[id] == nil and store.at < #store.expected do read_chunk(store) end
  if store.packed[id] == nil then return redis.call('HGET', key(store.board, 'job'), id) end
  return store.packed[id]
end

-- Return the next run of a job in ms, or nothing.
function job_store.due(store, id)
  if store.due[id] ~= nil then return store.due[id] or nil end
  return tonumber(redis.call('ZSCORE', key(store.board, 'schedule'), id) or nil)
end

-- Store a job and its next run, if it has one.
function job_store.put(store, id, packed, due)
  if store.due[id] == nil then store.changed[#store.changed + 1] = id end
  store.packed[id], store.due[id] = packed, due or false
  if #store.changed == WRITE_SIZE then job_store.write(store) end
end

-- Write all stored jobs to Redis.
function job_store.write(store)
  if #store.changed == 0 then return end
  local jobs, due, unscheduled = {}, {}, {}
  for i, id in ipairs(store.changed) do
    jobs[2 * i - 1], jobs[2 * i] = id, store.packed[id]
    if store.due[id] then
      due[#due + 1], due[#due + 2] = store.due[id], id
    else
      unscheduled[#unscheduled + 1] = id
    end
  end
  redis.call('HSET', key(store.board, 'job'), unpack(jobs))
  if #due > 0 then timers.set_all(store.board, 'schedule', due) end
  if #unscheduled > 0 then redis.call('ZREM', key(store.board, 'schedule'), unpack(unscheduled)) end
  store.packed, store.due, store.changed = {}, {}, {}
end

return job_store
