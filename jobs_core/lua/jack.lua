#!lua flags=allow-oom
--[[ JACK board token done|retry|dead|release [option value …]

  Say what became of a task, under the token of its lease.

    done      it has ended well
    retry     queue it again, after `delay`; that is another attempt
    dead      give it up: it becomes a dead letter
    release   give it back unfinished: the attempt does not count

  Options: delay (a duration, for retry), note and code (kept in the history), data (JSON, likewise), now (tests)

    EVALSHA <JACK> 1 {jobs} tick@1763900005000#7 done note 'exit 0'

  Answers the task's id.
  Errors: JOBS STALE when the token no longer holds the task; JOBS OPTION.
--]]
--- @include "command"
--- @include "instant"
--- @include "pairs"
--- @include "record"
--- @include "requeue"
--- @include "lease"
--- @include "count"
--- @include "history"

local COUNTER = { done = 'succeeded', retry = 'retried', dead = 'dead', release = 'released' }

local function kept(options)
  local fields = {}
  for _, name in ipairs({ 'note', 'code', 'data' }) do
    if options[name] then
      fields[#fields + 1], fields[#fields + 2] = name, options[name]
    end
  end
  return fields
end

return command(function()
  local board, token, verb = KEYS[1], ARGV[1] or '', ARGV[2] or ''
  if not COUNTER[verb] then fail('OPTION', "'" .. verb .. "' is not one of done, retry, dead, release") end
  local options = read_pairs(ARGV, 3, { delay = true, note = true, code = true, data = true, now = true })
  local delay = options.delay and duration('delay', options.delay) or 0
  local now = now_option(options)
  if redis.call('ZREM', key(board, 'leased'), token) == 0 then
    count(board, 'stale', 1)
    fail('STALE', "the token '" .. token .. "' does not hold its task any more")
  end

  local id = token_task(token)
  local record = redis.call('HGET', key(board, 'task'), token)
  local _, attempt = split_record(record)
  if verb == 'done' then
    redis.call('HDEL', key(board, 'task'), token)
  elseif verb == 'dead' then
    redis.call('ZADD', key(board, 'dead'), now, token)
  elseif verb == 'retry' then
    requeue(board, token, with_attempt(record, attempt + 1), delay, now)
  else
    requeue(board, token, record, 0, now)
  end
  count(board, COUNTER[verb], 1)
  remember(board, id, attempt, verb, kept(options))
  return id
end)
