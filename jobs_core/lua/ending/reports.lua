local arguments = require 'base.arguments'
local command = require 'base.command'
local errors = require 'base.errors'
local json_text = require 'base.json_text'
local key = require('base.keys').key
local strings = require 'base.strings'
local completions = require 'ending.completions'
local endings = require 'ending.endings'
local events = require 'ending.events'
local tails = require 'ending.tails'
local counters = require 'ledger.counters'
local attempts = require 'queue.attempts'
local queues = require 'queue.queues'
local leases = require 'queue.leases'
local records = require 'queue.records'
local duration = require 'time.duration'
local instant = require 'time.instant'

local reports = {}

local ACK_OPTIONS = {
  delay = true, timeout = true, progress = true, note = true, code = true, data = true, unstarted = true, now = true,
  tail = true,
}
local MAX_NOTE, MAX_CODE, MAX_DATA = 1000, 64, 65536  -- bytes kept in the history
local ACCEPTED_TIMEOUT = 86400000  -- default timeout of an accepted task, in ms

local function read_percent(text)
  local number = text:match('^%d+%.?%d*$') and tonumber(text)
  if not number or number > 100 then errors.fail_option('progress', "expected a number from 0 to 100, got '" .. text .. "'") end
  return text
end

local function check_data(text)
  if not (text:find('^%s*{') and pcall(cjson.decode, text)) then errors.fail_option('data', 'expected a JSON object') end
end

-- Read the options of a report, from `first` to `last` of the arguments. `now` is the default time.
local function read_report_options(args, first, last, now)
  local options = arguments.read_pairs(args, first, last, ACK_OPTIONS)
  if options.data and #options.data <= MAX_DATA then check_data(options.data) end
  options.delay = options.delay and duration.ms('delay', options.delay) or 0
  options.timeout = options.timeout and duration.ms('timeout', options.timeout) or ACCEPTED_TIMEOUT
  options.progress = options.progress and read_percent(options.progress)
  options.now = options.now and instant.now(options) or now
  return options
end

-- An attempt after a lost one counts as doubled when it is handed out. Correct that if it does not run to its end.
local function uncount_doubled(board, task)
  if attempts.follows_lost(task) then counters.add_for_job(board, records.job_of(task.id), 'doubled', -1) end
end

-- Close the attempt that failed: the current one, or, if it never began, the one before.
local function close_attempt(board, task, status, options)
  if options.unstarted == '1' then
    uncount_doubled(board, task)
    attempts.mark_decided(task)
    task.attempt = task.attempt - 1
  else
    attempts.mark_decided(task)
    attempts.close(task, status, options.now, options.code, options.note)
  end
end

-- Return the fields for the history.
local function history_fields(options)
  local kept = {
    note = options.note and strings.shorten(options.note, MAX_NOTE),
    code = options.code and strings.cut(options.code, MAX_CODE),
    data = options.data and json_text.cut(options.data, MAX_DATA), progress = options.progress,
  }
  local fields = {}
  for _, name in ipairs({ 'note', 'code', 'data', 'progress' }) do
    if kept[name] then
      fields[#fields + 1], fields[#fields + 2] = name, kept[name]
    end
  end
  return fields
end

-- Verbs other than done that end a task's lease.
local ENDINGS = {
  cancelled = function(board, token, task, options, fields)
    endings.cancel(board, token, task, options.now, fields)
  end,
  dead = function(board, token, task, options, fields)
    close_attempt(board, task, 'failed', options)
    endings.give_up(board, token, task, options.now, fields)
  end,
  retry = function(board, token, task, options)
    close_attempt(board, task, 'failed', options)
    task.attempt = task.attempt + 1
    counters.add_for_job(board, records.job_of(task.id), 'retried', 1)
    queues.requeue(board, token, task, options.delay, options.now)
  end,
  failed = function(board, token, task, options)
    close_attempt(board, task, 'failed?', options)
    task.attempt = task.attempt + 1
    counters.add_for_job(board, records.job_of(task.id), 'failed', 1)
    queues.requeue(board, token, task, 0, options.now)
  end,
  release = function(board, token, task, options)
    counters.add(board, 'released', 1)
    uncount_doubled(board, task)
    queues.requeue(board, token, task, options.delay, options.now)
  end,
}
local REQUEUES = { retry = true, failed = true, release = true }

-- Verbs that leave the task under its token.
local UPDATES = {
  accepted = function(board, token, task, options)
    attempts.update(task, 'accepted', options.now, options.progress, options.note)
    redis.call('ZADD', key(board, 'leased'), options.now + options.timeout, token)
  end,
  update = function(board, token, task, options)
    local status, since, _, progress, note = attempts.current(task)
    attempts.update(task, status, since, options.progress or progress, options.note or note)
  end,
}

local function reject_stale(board, token)
  counters.add(board, 'stale', 1)
  errors.fail('STALE', "the token '" .. token .. "' no longer holds its task")
end

-- Update the attempt in the task's record.
local function update_task(board, token, verb, options)
  if not redis.call('ZSCORE', key(board, 'leased'), token) then reject_stale(board, token) end
  local task = leases.find(board, token) or reject_stale(board, token)
  UPDATES[verb](board, token, task, options)
  redis.call('HSET', key(board, 'task'), token, leases.write(task))
  events.record(board, task, task.attempt, verb, history_fields(options))
  return task.id
end

local function end_task(board, token, verb, options)
  local task, cancelled = endings.end_lease(board, token, REQUEUES[verb] and options.delay == 0)
  if not task then reject_stale(board, token) end
  if cancelled and REQUEUES[verb] then verb = 'cancelled' end
  local attempt, fields = task.attempt, history_fields(options)
  ENDINGS[verb](board, token, task, options, fields)
  events.record(board, task, attempt, verb, fields)
  if options.tail then tails.add(board, task.id, options.tail) end
  return task.id
end

local NO_FIELDS = {}

-- Apply one report: the arguments from `first` to `last`. Returns the task's id.
local function apply(batch, args, first, last)
  local board, token, verb = batch.board, args[first] or '', args[first + 1] or ''
  if verb == 'done' then
    if last == first + 1 then return completions.add(batch, token, NO_FIELDS) or reject_stale(board, token) end
    local options = read_report_options(args, first + 2, last, batch.now)
    local id = completions.add(batch, token, history_fields(options), options.now) or reject_stale(board, token)
    if options.tail then tails.add(board, id, options.tail) end
    return id
  end
  if not (ENDINGS[verb] or UPDATES[verb]) then
    errors.fail_option('verb', 'expected done, failed, cancelled, accepted, retry, release, dead or update, got '
      .. "'" .. verb .. "'")
  end
  local options = read_report_options(args, first + 2, last, batch.now)
  if batch.stored[token] == false then reject_stale(board, token) end
  if verb == 'accepted' and redis.call('SISMEMBER', key(board, 'cancelling'), token) == 1 then verb = 'cancelled' end
  if UPDATES[verb] then return update_task(board, token, verb, options) end
  batch.stored[token] = false
  return end_task(board, token, verb, options)
end

-- Apply a single report. The arguments are a token, a verb and options. Returns the task's id.
function reports.apply(board, args)
  local batch = completions.new(board, { args[1] })
  local id = apply(batch, args, 1, #args)
  completions.write(batch)
  return id
end

-- Find the reports among the arguments. Returns the first and last index of each in turn, and their tokens.
local function find_reports(args)
  local bounds, tokens, at = {}, {}, 1
  while at <= #args do
    local words = args[at] == '2' and 2 or arguments.whole_number('words', args[at], 1)
    if at + words > #args then arguments.reject_words(words, #args - at) end
    bounds[#bounds + 1], bounds[#bounds + 2] = at + 1, at + words
    tokens[#tokens + 1] = args[at + 1]
    at = at + words + 1
  end
  return bounds, tokens
end

-- Apply several reports, each preceded by its word count. Returns for each the task's id or an error.
function reports.apply_all(board, args)
  local bounds, tokens = find_reports(args)
  local batch, replies = completions.new(board, tokens), {}
  for i = 1, #tokens do
    replies[i] = command.attempt(apply, batch, args, bounds[2 * i - 1], bounds[2 * i])
  end
  completions.write(batch)
  return replies
end

return reports
