-- `{b}:changes` is a stream of what was changed on the board: by whom, and what was before. One call adds at most one
-- entry. Its fields: what, by, because (if given), target (a queue, a runner, a task, a backfill or a board file), count,
-- `ids` or `jobs`, and for bounds and limits `before` and `after`, as JSON. `ids` has spaces between the ids of jobs that
-- are new or not changed themselves. If others are among them, there is `jobs` instead, a packed list: the id; or { id,
-- packed job before, after, next run before, after, payload bytes left out before, after, whether the payload changed },
-- with '' for a job that does not exist. Payloads of more than 4 KiB are left out.

local arguments = require 'base.arguments'
local key = require('base.keys').key
local is_same = require('base.tables').is_same
local digits = require('base.numbers').digits
local describe = require 'job.describe'
local packed_job = require 'job.packed_job'
local bounded_stream = require 'ledger.bounded_stream'
local retention = require 'ledger.retention'
local instant = require 'time.instant'

local changes = {}

local MAX_PAYLOAD = 4096
local MAX_BYTES = 262144  -- of the jobs in one entry; beyond it, only their ids are kept

-- The options of every command that changes something. `now` is for tests.
changes.OPTIONS = { by = true, because = true, now = true }

-- Return who makes a change, and why, from the options by, because and now. Call it before the first write.
function changes.author(options)
  if options.by then arguments.check_text('by', options.by, 256) end
  if options.because then arguments.check_text('because', options.because, 1000) end
  return {
    by = options.by ~= '' and options.by or '-', because = options.because ~= '' and options.because or nil,
    at = options.now and instant.now(options),
  }
end

-- Read the options of a change from `first` on.
function changes.read_author(args, first)
  return changes.author(arguments.read_options(args, first, changes.OPTIONS))
end

-- Begin a list of changed jobs.
function changes.new_list()
  return { n = 0 }
end

function changes.add_id(list, id)
  list.n = list.n + 1
  list[list.n] = id
end

-- Return a packed job with its payload as `kept`, or left out if that is too large, and the bytes left out.
local function cut(head, body, is_kept)
  local options, payload = packed_job.split_body(body)
  if not is_kept then return packed_job.pack(head, options .. '\n'), 0 end
  if #payload <= MAX_PAYLOAD then return packed_job.pack(head, body), 0 end
  return packed_job.pack(head, options .. '\n'), #payload
end

-- Add a changed job: its head, body and next run before and after. `before` and `after` are { head, body, due }, and `after`
-- is nil for a job that is removed.
function changes.add(list, id, before, after)
  list.bytes = list.bytes or 0
  if list.bytes > MAX_BYTES then return changes.add_id(list, id) end
  local old_head, old_body, old_due = unpack(before, 1, 3)
  local has_other_payload = after ~= nil
    and select(2, packed_job.split_body(old_body)) ~= select(2, packed_job.split_body(after[2]))
  local old, old_left = cut(old_head, old_body, true)
  local new, new_left = '', 0
  if after then new, new_left = cut(after[1], after[2], has_other_payload) end
  list.bytes = list.bytes + #old + #new
  changes.add_id(list, {
    id, old, new, old_due or 0, after and after[3] or 0, old_left, new_left, has_other_payload and 1 or 0,
  })
end

-- Whether two heads and bodies have the same options and state.
function changes.is_same_job(head, body, old_head, old_body)
  local new, old = describe.options('', head, body), describe.options('', old_head, old_body)
  return old ~= nil and is_same(new, old) and is_same(describe.pause(head), describe.pause(old_head))
end

local function fields_of(what, author, details)
  local fields = { 'what', what, 'by', author.by }
  local function add(name, value)
    if value then fields[#fields + 1], fields[#fields + 2] = name, value end
  end
  add('because', author.because)
  add('target', details.target)
  add('count', details.count)
  add('before', details.before and cjson.encode(details.before))
  add('after', details.after and cjson.encode(details.after))
  if details.jobs then
    local list = details.jobs
    list.n = nil
    if list.bytes then
      list.bytes = nil
      add('jobs', cmsgpack.pack(list))
    else
      add('ids', table.concat(list, ' '))  -- cheaper, and most bulk work only creates jobs
    end
  end
  return fields
end

local function append(board, bound, id, fields)
  return redis.pcall('XADD', key(board, 'changes'), 'MAXLEN', '~', bound, id, unpack(fields))
end

-- Record a change, unless it has an empty list of jobs, or the board records none. `details` may have target, count, jobs,
-- and `before` and `after` as tables.
function changes.record(board, what, author, details)
  if details.jobs and details.jobs.n == 0 then return end
  local bound = retention.bound(board, 'changes')
  if not bound or bound == 0 then return end
  local fields = fields_of(what, author, details)
  local id = author.at and append(board, bound, digits(author.at) .. '-*', fields)
  -- A test may put its changes before those there are; then Redis numbers them.
  if type(id) ~= 'string' then id = redis.call('XADD', key(board, 'changes'), 'MAXLEN', '~', bound, '*', unpack(fields)) end
  local size = 0
  for i = 2, #fields, 2 do size = size + (type(fields[i]) == 'string' and #fields[i] or 8) end
  bounded_stream.note_size(board, 'changes', id, size)
end

return changes
