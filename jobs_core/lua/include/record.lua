--- @include "wake"
--- @include "head"

-- A task on a queue is one string: id LF attempt LF queue LF runner LF, then the body of its job (options LF
-- payload), copied as it is. While it is leased, delayed or dead the same string is in `{b}:task` under a ticket:
-- its latest token, or one from its push. An id would not do: whoever removes a job and puts it again may have
-- two tasks of one id under way.

local function new_record(id, due, queue, runner, body)
  return id .. '@' .. due .. '\n1\n' .. queue .. '\n' .. runner .. '\n' .. body
end

-- Answers id, attempt, queue, runner, body.
local function split_record(record)
  local id, attempt, queue, runner, last = record:match('^([^\n]*)\n(%d+)\n([^\n]*)\n([^\n]*)()\n')
  return id, tonumber(attempt), queue, runner, record:sub(last + 1)
end

local function with_attempt(record, attempt)
  return (record:gsub('\n%d+\n', '\n' .. attempt .. '\n', 1))
end

-- Append records to a queue.
local function enqueue(board, queue, records)
  redis.call('RPUSH', key(board, 'queue:' .. queue), unpack(records))
  redis.call('SADD', key(board, 'queues'), queue)
  wake_queue(board, queue)
end

-- Put a record back at the front of its queue.
local function give_back(board, record)
  local _, _, queue = split_record(record)
  redis.call('LPUSH', key(board, 'queue:' .. queue), record)
  wake_queue(board, queue)
end
