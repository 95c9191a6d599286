--- @include "wake"
--- @include "head"

-- A task on a queue is one string: id LF attempt LF history LF lane LF runner LF, then the body of its job (options
-- LF payload), copied as it is. While it is leased, delayed or dead the same string is in `{b}:task` under a ticket:
-- its latest token, or one from its push. An id would not do: whoever removes a job and puts it again may have
-- two tasks of one id under way.
--
-- A lane is a queue at one priority, a list of its own: `shell`, or `shell!5` where the priority is not 0.

local function new_record(id, moment, lane, runner, body)
  return id .. '@' .. moment .. '\n1\n\n' .. lane .. '\n' .. runner .. '\n' .. body
end

local function read_record(record)
  local id, attempt, history, lane, runner, last =
    record:match('^([^\n]*)\n(%d+)\n([^\n]*)\n([^\n]*)\n([^\n]*)()\n')
  return {
    id = id, attempt = tonumber(attempt), history = history, lane = lane, runner = runner,
    body = record:sub(last + 1),
  }
end

local function write_record(task)
  return table.concat({ task.id, task.attempt, task.history, task.lane, task.runner, task.body }, '\n')
end

local function record_id(record)
  return record:match('^[^\n]*')
end

-- Split a task id: <job>@<due>; @<due>-<n> for a pushed run, @<due>-f<n> for one that followed others. Answers the job,
-- and when it was due, in ms.
local function split_id(id)
  local job, due = id:match('^(.*)@(%d+)%-?f?%d*$')
  return job, tonumber(due or nil)
end

local function task_job(id)
  return (split_id(id))
end

local function lane_of(queue, priority)
  return priority and queue .. '!' .. digits(priority) or queue
end

-- Answers queue, priority.
local function split_lane(lane)
  local queue, priority = lane:match('^(.*)!(%-?%d+)$')
  return queue or lane, tonumber(priority or 0)
end

-- Note a lane in use: `{b}:queues` has them all, `{b}:lanes` the priorities of each queue, the highest first.
local function note_lane(board, lane)
  if redis.call('SADD', key(board, 'queues'), lane) == 0 then return end
  local queue, priority = split_lane(lane)
  if priority == 0 then return end
  local priorities = {}
  for word in (redis.call('HGET', key(board, 'lanes'), queue) or '0'):gmatch('%S+') do
    priorities[#priorities + 1] = tonumber(word)
  end
  priorities[#priorities + 1] = priority
  table.sort(priorities, function(a, b) return a > b end)
  redis.call('HSET', key(board, 'lanes'), queue, table.concat(priorities, ' '))
end

-- The lanes of a queue, the highest priority first.
local function lanes_of(board, queue)
  local priorities = redis.call('HGET', key(board, 'lanes'), queue)
  if not priorities then return { queue } end
  local lanes = {}
  for word in priorities:gmatch('%S+') do
    lanes[#lanes + 1] = lane_of(queue, word ~= '0' and tonumber(word) or nil)
  end
  return lanes
end

-- Append records to a lane.
local function enqueue(board, lane, records)
  redis.call('RPUSH', key(board, 'queue:' .. lane), unpack(records))
  note_lane(board, lane)
  wake_queue(board, (split_lane(lane)))
end

-- Put a record at the front of its lane.
local function put_first(board, lane, record)
  redis.call('LPUSH', key(board, 'queue:' .. lane), record)
  note_lane(board, lane)
  wake_queue(board, (split_lane(lane)))
end
