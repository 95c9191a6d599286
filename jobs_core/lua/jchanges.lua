#!lua flags=no-writes
--[[ JCHANGES board [job id] [count n] [before cursor] [from time] [to time] [payload 1]

  List who changed what on the board, newest first: up to `count` (default 100, at most 1000) changes, of one job or of all,
  between two times. Continue with `before` and the returned cursor until that is 0. A page may have fewer changes, or none.

    FCALL_RO JCHANGES 1 {jobs} job tick
      1) 0
      2) 1) {"id":"1763900005000-0","time":1763900005,"what":"edit","by":"ann@host","because":"too slow","job":"tick",
            "before":{"runner":"shell","every":5,"next":1763900010,"state":"scheduled"},
            "after":{"runner":"shell","every":9,"next":1763900014,"state":"scheduled"}}

  `what` is put, edit, pause, resume, remove, apply, alert, limit, push, backfill, cancel, retry, purge, trim or retain. `by`
  is - where it is not known. `target` is the board file, alert, queue, runner, task or backfill, and `count` how many tasks. A
  change of several jobs has `jobs`; ask for one of them to see what it was before. A new job has no `before`, a removed one no
  `after`. With `payload`, they have the payload, or `payload-bytes` if it had more than 4 KiB; without it, `payload-changed` is
  true if it differs.
  Errors: JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local cursors = require 'base.cursors'
local key = require('base.keys').key
local digits = require('base.numbers').digits
local clock = require 'base.clock'
local describe = require 'job.describe'
local instant = require 'time.instant'

local OPTIONS = { job = true, count = true, before = true, from = true, to = true, payload = true }
local PAGE_SIZE = 50  -- entries per read
local MAX_ENTRIES, MAX_BYTES = 1000, 524288  -- that one call looks at

-- Return the newest id to read.
local function read_end(options)
  if not options.before then return options.to and digits(instant.ms('to', options.to, clock.now())) or '+' end
  if not cursors.is_entry(options.before) then cursors.reject('before', options.before) end
  return '(' .. options.before
end

local function as_table(fields)
  local entry = {}
  for i = 1, #fields, 2 do entry[fields[i]] = fields[i + 1] end
  return entry
end

-- Describe a job before or after a change. `left_out` is the size of the payload if it was left out.
local function describe_job(id, packed, due, left_out, has_payload)
  if packed == '' then return nil end
  local job = describe.job(nil, id, packed, due ~= 0 and due or nil)
  if not job then return nil end
  job.id = nil
  if left_out > 0 then job.payload, job['payload-bytes'] = nil, has_payload and left_out or nil end
  if not has_payload then job.payload = nil end
  return job
end

-- Add what a job was before and after to a change.
local function add_job(change, row, has_payload)
  if type(row) ~= 'table' then
    change.job = row
    return
  end
  local id, old, new, old_due, new_due, old_left, new_left, differs = unpack(row, 1, 8)
  change.job = id
  change.before = describe_job(id, old, old_due, old_left, has_payload)
  change.after = describe_job(id, new, new_due, new_left, has_payload)
  change['payload-changed'] = differs == 1 or nil
  if differs == 0 and change.after and change.before then
    change.after.payload, change.after['payload-bytes'] = change.before.payload, change.before['payload-bytes']
  end
end

local function id_of(row)
  return type(row) == 'table' and row[1] or row
end

-- Add the jobs of a change: the one asked for, or all of them. Returns whether the change is about that one.
local function add_jobs(change, rows, options)
  local ids = {}
  for i, row in ipairs(rows) do
    ids[i] = id_of(row)
    if #rows == 1 or ids[i] == options.job then add_job(change, row, options.payload) end
    if options.job and ids[i] == options.job then return true end
  end
  if #rows > 1 then change.jobs = ids end
  return not options.job
end

local function read_jobs(entry)
  if entry.jobs then return cmsgpack.unpack(entry.jobs) end
  local ids = {}
  for id in (entry.ids or ''):gmatch('%S+') do ids[#ids + 1] = id end
  return ids
end

-- Whether an entry may be about a job. Sure for a list of ids; a packed list may have the id as a part of something else.
local function may_be_about(entry, job)
  if entry.ids then return (' ' .. entry.ids .. ' '):find(' ' .. job .. ' ', 1, true) end
  return entry.jobs and entry.jobs:find(job, 1, true)
end

-- Return a change as JSON, or nothing if it is not about the job that was asked for.
local function as_json(id, fields, options)
  local entry = as_table(fields)
  if options.job and not may_be_about(entry, options.job) then return nil end
  local change = {
    id = id, time = id:match('^%d+') / 1000, what = entry.what, by = entry.by, because = entry.because, target = entry.target,
    count = tonumber(entry.count), before = entry.before and cjson.decode(entry.before),
    after = entry.after and cjson.decode(entry.after),
  }
  if not add_jobs(change, read_jobs(entry), options) then return nil end
  return cjson.encode(change)
end

local function size_of(fields)
  local size = 0
  for i = 2, #fields, 2 do size = size + #fields[i] end
  return size
end

return function(board, args)
  local options = arguments.read_options(args, 1, OPTIONS)
  local count = math.min(arguments.whole_number('count', options.count or '100', 1), 1000)
  local last, first = read_end(options), options.from and digits(instant.ms('from', options.from, clock.now())) or '-'
  local found, n, bytes = {}, 0, 0
  while n < MAX_ENTRIES and bytes < MAX_BYTES do
    local page = redis.call('XREVRANGE', key(board, 'changes'), last, first, 'COUNT', PAGE_SIZE)
    for _, entry in ipairs(page) do
      found[#found + 1] = as_json(entry[1], entry[2], options)
      n, bytes, last = n + 1, bytes + size_of(entry[2]), '(' .. entry[1]
      if #found == count then return { entry[1], found } end
    end
    if #page < PAGE_SIZE then return { '0', found } end
  end
  return { last:sub(2), found }
end
