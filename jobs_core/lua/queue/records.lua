-- A task on a queue is one string:
--
--   attempt, flags LF id LF history LF lane LF runner LF options LF payload
--
-- `options` and `payload` are the body of its job, copied unchanged. `history` has an entry for each attempt that has
-- ended: see attempts.lua. The flags summarize the options, so that most tasks are handled without reading them:
--
--   k  option keep     l  option lease     n  policy none     r  option concurrency or rate
--   h  option history  s  option on-success
--   p  of the past: of a backfill, or a dead letter that is run again, so that no alert calls it late
--
-- A delayed or dead task is the same string in `{b}:task`, under a ticket: its latest token, or one made by its push. (An id
-- is not enough: if a job is removed and put again, two tasks may have the same id.) A leased task is there under its token,
-- after a line with its current attempt: see leases.lua.
--
-- The id is <job>@<due>, or @<due>-<n> for a pushed run, or @<due>-f<n> for a run after other jobs. A token is <id>#<number>.
-- Each lease has a new number, so an old token is never valid again.

local packed_job = require 'job.packed_job'

local records = {}

function records.new(id, moment, lane, runner, flags, body)
  return '1' .. flags .. '\n' .. id .. '@' .. moment .. '\n\n' .. lane .. '\n' .. runner .. '\n' .. body
end

local ENTRY = '%l+%?? %d+ %S+ %S+ [^\t]*\t'  -- see attempts.lua

local function is_history(text)
  return text == '' or (text .. '\t'):gsub(ENTRY, '') == ''
end

-- Read a record. Returns a table: id, attempt, flags, history, lane, runner, body and options; or nothing if it is invalid.
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

-- Return the id, and whether this is a first attempt of a task without flags, as most are; or nothing if it is invalid.
function records.peek(record)
  local first, id = record:match('^(%d+%l*)\n([^\n]*@%d+%-?f?%d*)\n[^\n]*\n[^\n]*\n[^\n]*\n[^\n]*\n')
  return id, first == '1'
end

-- Return the lane of a record that begins at a place in a text, or nothing if the text ends before.
function records.lane(text, at)
  return text:match('^[^\n]*\n[^\n]*\n[^\n]*\n([^\n]*)\n', at)
end

-- Split a task id. Returns the job and the due time in ms.
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
