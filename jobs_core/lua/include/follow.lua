--- @include "count"
--- @include "history"
--- @include "overlap"
--- @include "record"

-- What follows when a task has ended: the jobs that waited for its job run, in the same script. Of many, the first few do,
-- and the rest with the next ticks: `{b}:follow` is a list of `ending last-id parent`, where to go on.
local follow_ending
local follow_rest
do
  local AT_ONCE = 10  -- jobs that one ending looks at
  local MANY = 100  -- jobs that one tick looks at
  local BYTES = 1048576  -- and what they may come to: payloads may be large

  local function wants(waits, ending)
    return waits.o == 'e' or ending == (waits.o == 'f' and 'failure' or 'success')
  end

  -- Whether all that a job waits for has ended since its last run.
  local function is_met(board, id, waits, parent)
    if waits.n then return true end
    local met = key(board, 'met:' .. id)
    redis.call('SADD', met, parent)
    return redis.call('SCARD', met) == #waits.p
  end

  local function pass_over(board, id, moment)
    count(board, 'due', 1)
    count(board, 'skipped', 1)
    redis.call('HINCRBY', key(board, 'ledger'), 'skipped ' .. id, 1)
    remember(board, id .. '@' .. moment, 0, 'skipped', { 'count', 1, 'note', 'overlap' })
  end

  -- The run's id has a number of its own, since two sets of parents may be complete in the same millisecond.
  local function run(board, id, head, body, now)
    redis.call('DEL', key(board, 'met:' .. id))
    local moment = digits(now) .. '-' .. digits(redis.call('HINCRBY', key(board, 'stats'), 'followed', 1))
    if room_for_runs(board, id, head.w) == 0 then return pass_over(board, id, moment) end
    if head.l then
      head.l = head.l - 1
      redis.call('HSET', key(board, 'job'), id, pack_job(head, body))
    end
    if head.w then open_run(board, id, id .. '@' .. moment) end
    local lane = lane_of(head.q or head.n, head.y)
    enqueue(board, lane, { new_record(id, moment, lane, head.n, body) })
    count(board, 'due', 1)
    count(board, 'queued', 1)
  end

  -- Whether a job waits at all: not while it is paused, when its runs are used up, or outside start and stop.
  local function is_waiting(head, now)
    return head.h and not head.z and head.l ~= 0 and now >= head.s and now <= (head.t or now)
  end

  -- Answers how many bytes it read.
  local function look_at(board, id, parent, ending, now)
    local packed = redis.call('HGET', key(board, 'job'), id)
    if not packed then return 0 end
    local head, body = unpack_job(packed)
    if is_waiting(head, now) and wants(head.h, ending) and is_met(board, id, head.h, parent) then
      run(board, id, head, body, now)
    end
    return #packed
  end

  -- Look at the jobs after `last` that wait for a parent. Answers where to go on, or nothing at the end.
  local function look_at_some(board, parent, last, ending, now, most)
    local children = redis.call('ZRANGE', key(board, 'after:' .. parent), last, '+', 'BYLEX', 'LIMIT', 0, most)
    local bytes = 0
    for n, id in ipairs(children) do
      bytes = bytes + look_at(board, id, parent, ending, now)
      if n == most or bytes > BYTES then return '(' .. id end
    end
  end

  -- A task of the job `parent` has ended: `ending` is success, failure or cancelled.
  function follow_ending(board, parent, ending, now)
    if parent:find('^push:%d') then return end
    local rest = look_at_some(board, parent, '-', ending, now, AT_ONCE)
    if rest then
      redis.call('RPUSH', key(board, 'follow'), ending .. ' ' .. rest .. ' ' .. parent)
      wake_clock(board)
    end
  end

  -- Go on where endings left off.
  function follow_rest(board, now)
    local first = redis.call('LINDEX', key(board, 'follow'), 0)
    if not first then return end
    local ending, last, parent = first:match('^(%S+) (%S+) (%S+)$')
    local rest = look_at_some(board, parent, last, ending, now, MANY)
    if rest then
      redis.call('LSET', key(board, 'follow'), 0, ending .. ' ' .. rest .. ' ' .. parent)
    else
      redis.call('LPOP', key(board, 'follow'))
    end
  end
end
