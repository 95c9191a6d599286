#!lua flags=allow-oom
--[[ JPOP board numqueues queue [queue …] [count n] [lease duration] [worker name] [now time]

  Take up to `count` (1 unless given) tasks from the queues, in the order the queues are named. With `lease`
  each task is held under a token until JACK, or until the lease ends unrenewed (JBEAT). A job's own `lease`
  comes first. Without `lease` the task is gone from Redis: at most once.

    EVALSHA <JPOP> 1 {jobs} 1 shell count 1 lease 30
      1)  1) id       2) tick@1763900005000
          3) token    4) tick@1763900005000#7      (empty without a lease)
          5) job      6) tick
          7) runner   8) shell
          9) queue   10) shell
         11) due     12) 1763900005000             ms since the epoch
         13) attempt 14) 1
         15) options 16) {"timeout":30}            (empty when there are none)
         17) payload 18) echo hi

  Answers a list, empty when the queues are.
  Errors: JOBS OPTION.
--]]
--- @include "command"
--- @include "instant"
--- @include "pairs"
--- @include "record"
--- @include "count"

local BYTES = 4194304  -- of payload that one call takes, or a single task

-- Take up to `limit` records off the fronts of the queues, as far as one call may carry them.
local function take(board, queues, limit)
  local records, bytes = {}, 0
  for _, queue in ipairs(queues) do
    local list = key(board, 'queue:' .. queue)
    local record = true
    while record and #records < limit and bytes < BYTES do
      record = redis.call('LPOP', list)
      if record then
        records[#records + 1] = record
        bytes = bytes + #record
      end
    end
    -- Whoever took the wake token may leave work behind: pass it on.
    if redis.call('EXISTS', list) == 1 then wake_queue(board, queue) end
  end
  return records
end

local function own_lease(options)
  return options ~= '' and cjson.decode(options).lease
end

local function lease_all(board, tasks, lease, now)
  local number = redis.call('HINCRBY', key(board, 'stats'), 'leased', #tasks) - #tasks
  local held, ends = {}, {}
  for i, task in ipairs(tasks) do
    task.token = task.id .. '#' .. digits(number + i)
    local own = own_lease(task.options)
    held[#held + 1], held[#held + 2] = task.token, task.record
    ends[#ends + 1], ends[#ends + 2] = now + (own and own * 1000 or lease), task.token
  end
  redis.call('HSET', key(board, 'task'), unpack(held))
  redis.call('ZADD', key(board, 'leased'), unpack(ends))
end

local function read_task(record)
  local id, attempt, queue, runner, body = split_record(record)
  local options, payload = split_body(body)
  local job, due = id:match('^(.*)@(%d+)%-?%d*$')
  return {
    id = id, token = '', job = job, runner = runner, queue = queue, due = tonumber(due),
    attempt = attempt, options = options, payload = payload, record = record,
  }
end

local function reply(task)
  return {
    'id', task.id, 'token', task.token, 'job', task.job, 'runner', task.runner, 'queue', task.queue,
    'due', task.due, 'attempt', task.attempt, 'options', task.options, 'payload', task.payload,
  }
end

return command(function()
  local board, n = KEYS[1], whole('numqueues', ARGV[1] or '', 1)
  if #ARGV < n + 1 then fail('OPTION', 'numqueues is more than the queues that follow') end
  local options = read_pairs(ARGV, n + 2, { count = true, lease = true, worker = true, now = true })
  local limit = math.min(whole('count', options.count or '1', 1), 1000)
  local lease, now = options.lease and duration('lease', options.lease), now_option(options)
  local records = take(board, { unpack(ARGV, 2, n + 1) }, limit)
  if #records == 0 then return {} end

  local tasks, replies = {}, {}
  for i, record in ipairs(records) do tasks[i] = read_task(record) end
  if lease then
    lease_all(board, tasks, lease, now)
  else
    count(board, 'unleased', #tasks)
  end
  for i, task in ipairs(tasks) do replies[i] = reply(task) end
  return replies
end)
