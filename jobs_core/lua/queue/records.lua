-- A task on a queue is one string:
--
--   attempt, flags LF id LF history LF lane LF runner LF options LF payload
--
-- `options` and `payload` are the body of its job, copied as it is. `history` has an entry for each attempt that has
-- ended: see attempts.lua. The flags say what there is to know of the options, so that nobody need read them:
--
--   k  its output is kept     l  it has a lease of its own     n  its policy is none     r  it has a limit of its own
--
-- A task that is delayed or dead is the same string in `{b}:task`, under a ticket: its latest token, or one from its push.
-- (An id would not do: whoever removes a job and puts it again may have two tasks of one id under way.) One that is
-- leased is there under its token, with the attempt under way before it: see leases.lua.
--
-- The id is <job>@<due>; @<due>-<n> for a pushed run, @<due>-f<n> for one that followed others. A token is <id>#<number>:
-- the number is new with each lease, so an old token never fits again.

local packed_job = require 'job.packed_job'

local records = {}

function records.new(id, moment, lane, runner, flags, body)
  return '1' .. flags .. '\n' .. id .. '@' .. moment .. '\n\n' .. lane .. '\n' .. runner .. '\n' .. body
end

local ENTRY = '%l+%?? %d+ %S+ %S+ [^\t]*\t'  -- of a history: see attempts.lua

local function is_history(text)
  return text == '' or (text .. '\t'):gsub(ENTRY, '') == ''
end

-- Returns a table: id, attempt, flags, history, lane, runner, body and options; or nothing if it is no record.
function records.read(record)
  if not record then return nil end
  local attempt, flags, id, history, lane, runner, body =
    record:match('^(%d+)(%l*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)()\n[^\n]*\n')
  if not (attempt and records.job_of(id) and is_history(history)) then return nil end
  body = record:sub(body + 1)
  local options = packed_job.read_options(body)
  return options and {
    id = id, attempt = tonumber(attempt), flags = flags, history = history, lane = lane, runner = runner, body = body,
    options = options,
  }
end

function records.write(task)
  return table.concat({ task.attempt .. task.flags, task.id, task.history, task.lane, task.runner, task.body }, '\n')
end

-- Returns the id, and whether this is a first attempt of a task without flags, as most are; nothing for what is no record.
function records.peek(record)
  local first, id = record:match('^(%d+%l*)\n([^\n]*@%d+%-?f?%d*)\n[^\n]*\n[^\n]*\n[^\n]*\n[^\n]*\n')
  return id, first == '1'
end

-- Split a task id. Returns the job, and when it was due, in ms.
function records.split_id(id)
  local job, due = id:match('^(.*)@(%d+)%-?f?%d*$')
  return job, tonumber(due or nil)
end

function records.job_of(id)
  return id:match('^(.*)@%d+%-?f?%d*$')
end

function records.id_of_token(token)
  return token:match('^(.*)#%d+$')
end

return records
