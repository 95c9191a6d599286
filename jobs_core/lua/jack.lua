#!lua flags=allow-oom
--[[ JACK board token done|fail|retry|dead|cancelled|release|accept|update [option value …]

  Say what became of a task, or where it stands, under the token of its lease.

    done        it has ended well
    fail        it has failed: the worker that takes it next asks its policy what to do
    retry       it has failed: queue it again, after `delay`; that is another attempt
    dead        it has failed, and is given up: it becomes a dead letter
    cancelled   it has ended because somebody asked for that
    release     give it back unfinished, after `delay`: the attempt does not count
    accept      it goes on elsewhere: it stays open under its token for `timeout` (a day unless given), until
                another JACK; after that the attempt has failed
    update      it goes on: note how far it is, as `progress` (0 to 100) and `note`

  Options: delay, timeout (durations), progress, note and code (kept in the history), data (JSON, likewise), unstarted
  (1: this attempt never began; what is reported is of the one before), now (tests).

    EVALSHA <JACK> 1 {jobs} tick@1763900005000#7 done note 'exit 0'

  A task that somebody asked to cancel is not queued again: retry, fail, release and accept then end it as cancelled.
  Answers the task's id.
  Errors: JOBS STALE when the token no longer holds the task; JOBS OPTION.
--]]
--- @include "command"
--- @include "instant"
--- @include "pairs"
--- @include "lease"
--- @include "ending"

local OPTIONS = {
  delay = true, timeout = true, progress = true, note = true, code = true, data = true, unstarted = true, now = true,
}
local OPEN = 86400000  -- ms that an accepted task stays open, unless its `timeout` says otherwise

local function percent(text)
  local number = tonumber(text)
  if not number or number < 0 or number > 100 then fail('OPTION', "progress '" .. text .. "' is not from 0 to 100") end
  return text
end

local function read_options()
  local options = read_pairs(ARGV, 3, OPTIONS)
  options.delay = options.delay and duration('delay', options.delay) or 0
  options.timeout = options.timeout and duration('timeout', options.timeout) or OPEN
  options.progress = options.progress and percent(options.progress)
  options.now = now_option(options)
  return options
end

-- The attempt has failed: this one, or, where this one never began, the one before.
local function close(task, status, options)
  if options.unstarted == '1' then
    undo_attempt(task)
    task.attempt = task.attempt - 1
  else
    note_attempt(task, status, options.now, options.code, options.note)
  end
end

-- What ends a task's hold.
local ENDS = {
  done = function(board, token, task)
    finish(board, token, task, 'succeeded')
  end,
  cancelled = function(board, token, task)
    finish(board, token, task, 'cancelled')
  end,
  dead = function(board, token, task, options)
    close(task, 'failed', options)
    bury(board, token, task, options.now)
  end,
  retry = function(board, token, task, options)
    close(task, 'failed', options)
    task.attempt = task.attempt + 1
    tally(board, task_job(task.id), 'retried', 1)
    requeue(board, token, task, options.delay, options.now)
  end,
  fail = function(board, token, task, options)
    close(task, 'failed?', options)
    task.attempt = task.attempt + 1
    tally(board, task_job(task.id), 'failed', 1)
    requeue(board, token, task, 0, options.now)
  end,
  release = function(board, token, task, options)
    undo_attempt(task)
    count(board, 'released', 1)
    requeue(board, token, task, options.delay, options.now)
  end,
}
local AGAIN = { retry = true, fail = true, release = true }

-- What leaves the task under its token: its record says where it stands.
local STAYS = {
  accept = function(board, token, task, options)
    note_attempt(task, 'accepted', options.now, options.progress, options.note)
    redis.call('ZADD', key(board, 'leased'), options.now + options.timeout, token)
  end,
  update = function(board, token, task, options)
    local status, since, _, progress, note = current_attempt(task)
    note_attempt(task, status, since, options.progress or progress, options.note or note)
  end,
}

local function kept(options)
  local fields = {}
  for _, name in ipairs({ 'note', 'code', 'data', 'progress' }) do
    if options[name] then
      fields[#fields + 1], fields[#fields + 2] = name, options[name]
    end
  end
  return fields
end

local function refuse_stale(board, token)
  count(board, 'stale', 1)
  fail('STALE', "the token '" .. token .. "' does not hold its task any more")
end

-- Note where the task stands, in its record.
local function stay(board, token, verb, options)
  if not redis.call('ZSCORE', key(board, 'leased'), token) then refuse_stale(board, token) end
  local task = read_record(redis.call('HGET', key(board, 'task'), token))
  STAYS[verb](board, token, task, options)
  redis.call('HSET', key(board, 'task'), token, write_record(task))
  remember(board, task.id, task.attempt, verb, kept(options))
  return task.id
end

return command(function()
  local board, token, verb = KEYS[1], ARGV[1] or '', ARGV[2] or ''
  if not (ENDS[verb] or STAYS[verb]) then
    fail('OPTION', "'" .. verb .. "' is not one of done, fail, retry, dead, cancelled, release, accept, update")
  end
  local options = read_options()
  if verb == 'accept' and redis.call('SISMEMBER', key(board, 'cancelling'), token) == 1 then verb = 'cancelled' end
  if STAYS[verb] then return stay(board, token, verb, options) end

  local task, cancelled = take_back(board, token, AGAIN[verb] and options.delay == 0)
  if not task then refuse_stale(board, token) end
  if cancelled and AGAIN[verb] then verb = 'cancelled' end
  local attempt = task.attempt
  ENDS[verb](board, token, task, options)
  remember(board, task.id, attempt, verb, kept(options))
  return task.id
end)
