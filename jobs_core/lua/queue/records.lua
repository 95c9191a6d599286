-- A task on a queue is one string: id LF attempt LF history LF lane LF runner LF, then the body of its job (options
-- LF payload), copied as it is. While it is leased, delayed or dead the same string is in `{b}:task` under a ticket:
-- its latest token, or one from its push. An id would not do: whoever removes a job and puts it again may have
-- two tasks of one id under way.
--
-- A lane is a queue at one priority, a list of its own: `shell`, or `shell!5` where the priority is not 0.
--
-- A token is <task id>#<number>; the number is new with each lease, so an old token never fits again.

local records = {}

function records.new(id, moment, lane, runner, body)
  return id .. '@' .. moment .. '\n1\n\n' .. lane .. '\n' .. runner .. '\n' .. body
end

function records.read(record)
  local id, attempt, history, lane, runner, last =
    record:match('^([^\n]*)\n(%d+)\n([^\n]*)\n([^\n]*)\n([^\n]*)()\n')
  return {
    id = id, attempt = tonumber(attempt), history = history, lane = lane, runner = runner,
    body = record:sub(last + 1),
  }
end

function records.write(task)
  return table.concat({ task.id, task.attempt, task.history, task.lane, task.runner, task.body }, '\n')
end

function records.id_of(record)
  return record:match('^[^\n]*')
end

-- Split a task id: <job>@<due>; @<due>-<n> for a pushed run, @<due>-f<n> for one that followed others. Answers the job,
-- and when it was due, in ms.
function records.split_id(id)
  local job, due = id:match('^(.*)@(%d+)%-?f?%d*$')
  return job, tonumber(due or nil)
end

function records.job_of(id)
  return (records.split_id(id))
end

function records.id_of_token(token)
  return token:match('^(.*)#%d+$')
end

return records
