local apply_state = require 'base.apply_state'
local arguments = require 'base.arguments'
local clock = require 'base.clock'
local command = require 'base.command'
local errors = require 'base.errors'
local key = require('base.keys').key
local partition = require 'base.partition'
local silence = require 'alert.silence'
local patterns = require 'cron.patterns'
local dependencies = require 'define.dependencies'
local job_store = require 'define.job_store'
local labels = require 'define.labels'
local next_run = require 'define.next_run'
local pauses = require 'define.pauses'
local schedule_options = require 'define.schedule_options'
local parent_endings = require 'due.parent_endings'
local waiting = require 'due.waiting'
local ids = require 'job.ids'
local if_match = require 'job.if_match'
local packed_job = require 'job.packed_job'
local payloads = require 'job.payloads'
local revision = require 'job.revision'
local worker_options = require 'job.worker_options'
local changes = require 'ledger.changes'
local runs = require 'ledger.runs'
local under_way = require 'limit.under_way'
local instant = require 'time.instant'

local put = {}

-- The options from `left` on restore a dumped job.
local PUT_OPTIONS = {
  queue = true, priority = true, now = true, by = true, because = true, ['if-match'] = true,
  left = true, paused = true, next = true,
  ['paused-at'] = true, ['paused-by'] = true, ['paused-because'] = true, ['paused-until'] = true,
}

-- Two heads have the same schedule if these fields are equal, and their starts.
local SCHEDULE_FIELDS = {
  'every', 'at', 'cron', 'zone', 'dst', 'months', 'month_rest', 'clock_offset', 'start', 'stop', 'repeats', 'decay', 'step',
}

local function is_same_schedule(head, old)
  for _, field in ipairs(SCHEDULE_FIELDS) do
    if head[field] ~= old[field] then return false end
  end
  if head.start_given and head.start ~= old.start or old.start_given and not head.start_given then return false end
  return dependencies.is_same(head.after, old.after)
end

local function copy(options)
  local found = {}
  for name, value in pairs(options) do found[name] = value end
  return found
end

-- Read the schedule of a job. If no start is given, an interval stays on the grid of the one before, so that changing an
-- option does not move its runs. A start that was given before does not stay, nor does a duration begin before it is put.
local function read_schedule(options, now, old)
  local given = old and copy(options)  -- reading may add to the options
  local head = schedule_options.read(options, now, old and not old.start_given and old.start or now)
  local stays_on_grid = old and (old.every or old.months) and not options.duration
  if old and not (head.start_given or stays_on_grid or is_same_schedule(head, old)) then
    head = schedule_options.read(given, now, now)
  end
  -- A dump has the start of every interval.
  if options.next and not head.cron then head.start_given = nil end
  return head
end

-- Copy state from the job that is replaced: whether it is paused and, if the schedule is the same, the number of runs
-- left. Returns whether the schedule is the same.
local function inherit_state(head, old)
  if old.paused then pauses.copy(head, old) end
  if not is_same_schedule(head, old) then return false end
  head.left = old.left
  return true
end

-- Restore the state from a dump. Returns whether it includes the next run.
local function restore_state(head, options, now)
  if options.left then head.left = arguments.whole_number('left', options.left, 0) end
  if options.paused == '0' then
    pauses.clear(head)
  elseif options.paused then
    head.paused = 1
    pauses.restore(head, options, now)
  end
  return options.next ~= nil
end

-- The state shared by the jobs of one call. `now` is the time of the request. `author` is who puts all of them, if the
-- options of the one job do not say so.
function put.context(board, now, author)
  return {
    board = board, now = now, payload_limit = payloads.limit(board), cache = patterns.new_cache(board),
    store = job_store.new(board), labels = labels.new_changes(board), changed = changes.new_list(), author = author,
  }
end

-- The context for jobs that are put one by one, not by a board file.
local function manual_context(board, author)
  local context = put.context(board, clock.now(), author)
  context.is_staging = redis.call('EXISTS', key(board, 'rolling'), key(board, 'stages')) > 0
  if context.is_staging then apply_state.require_no_pending_apply(board) end
  return context
end

-- Reject a job that would wait for itself. Skip the search if the dependencies are unchanged. If no other job waits for
-- this one, only a direct cycle is possible.
local function check_cycle(board, job)
  if not job.head.after or job.old and dependencies.is_same(job.head.after, job.old.after) then return end
  local is_waited_for = dependencies.has_children(board, job.id)
  dependencies.check_cycle(job.id, dependencies.graph(board, function(id)
    if id == job.id then return dependencies.ids(job.head) end
    return not is_waited_for and '' or nil
  end))
end

-- Return the next run of a job that is put, in ms, or nothing.
local function choose_next_run(context, job, options, now)
  local id, head, old, cache = job.id, job.head, job.old, context.cache
  local kept = old and inherit_state(head, old)
  local due
  if restore_state(head, options, now) then
    due = options.next ~= 'none' and instant.ms('next', options.next, now) or nil
  elseif kept then
    due = old.paused and old.paused_next or job_store.due(context.store, id)
    if old.paused and not head.paused then due = next_run.from(head, due, now, cache, id) end
  else
    due = next_run.initial(head, now, not old, cache, id)
  end
  job.is_rescheduled = not kept
  return head.left ~= 0 and (not head.after or dependencies.has_time(head)) and due or nil
end

-- Read who puts a job. For several jobs, it is given once for all of them.
local function read_author(context, options)
  if not context.author then
    context.author = changes.author(options)
  elseif options.by or options.because then
    errors.fail_option(options.by and 'by' or 'because', 'it is given once for all jobs of a call')
  end
end

-- Read a job to be put: id, runner, payload, options. Returns a table: id, head, body, the due time, and the `old` head
-- and body if the job exists.
function put.read(context, args, create_only)
  local id, runner, payload = args[1], args[2], args[3]
  if not payload then errors.fail('OPTION', 'a job needs an id, a runner and a payload') end
  ids.check('id', id)
  partition.require_own(context.board, id)
  ids.check_runner(runner)
  payloads.check(context.payload_limit, payload)
  local options = arguments.read_options(args, 4, schedule_options.NAMES, worker_options.READERS, PUT_OPTIONS)
  local now = options.now and instant.now(options) or context.now
  if options['if-match'] and (create_only or context.author) then
    errors.fail_option('if-match', 'only JSET and JEDIT take it')
  end
  read_author(context, options)
  local packed = job_store.find(context.store, id)
  if packed and create_only then errors.fail('EXISTS', "the job '" .. id .. "' already exists") end

  local old, old_body
  if packed then old, old_body = packed_job.unpack(packed) end
  if_match.check(options, id, old, old_body)
  local head = read_schedule(options, now, old)
  if head.cron then patterns.store_fixed_second(context.cache, head, id) end  -- rejects a wrong pattern
  head.runner = runner
  if options.queue and options.queue ~= runner then head.queue = worker_options.queue_name(options.queue) end
  head.priority = worker_options.priority(options)
  local json, flags = worker_options.to_json(options)
  head.flags = flags ~= '' and flags or nil
  local job = {
    id = id, now = now, head = head, body = json .. '\n' .. payload, old = old, old_body = old_body, packed = packed,
  }
  job.has_labels = options.label ~= nil
  job.due = choose_next_run(context, job, options, now)
  return job
end

-- A rule that a job gets while its tasks run counts them.
local function count_running(context, job)
  local has_overlap, has_limit = job.head.overlap and not job.old.overlap, (job.head.flags or ''):find('r', 1, true)
  if not (has_overlap or has_limit) then return end
  local old = packed_job.read_options(job.old_body) or {}
  local options = packed_job.read_options(job.body)
  if not (has_overlap or options.concurrency and not old.concurrency or options.rate and not old.rate) then return end
  context.leased = context.leased or under_way.tokens_by_job(context.board)
  local tokens = context.leased[job.id]
  if tokens then under_way.count_job(context.board, job.id, tokens, job.head.overlap, options, job.now) end
end

-- List a job as changed, unless it stays as it is.
local function note_change(context, job, packed)
  if packed == job.packed then return end
  if not job.old then return changes.add_id(context.changed, job.id) end
  if changes.is_same_job(job.head, job.body, job.old, job.old_body) then return end
  local old_due = job_store.due(context.store, job.id)
  changes.add(context.changed, job.id, { job.old, job.old_body, old_due }, { job.head, job.body, job.due })
end

-- An occurrence that waits for the job's parents goes on waiting, unless the schedule or the parents change, or the job is
-- paused.
local function update_waiting(board, job, due)
  local head = job.head
  if head.paused or job.is_rescheduled then
    waiting.skip(board, job.id, head.paused and 'paused' or 'changed')
    return head.paused and parent_endings.forget(board, job.id)
  end
  local since = head.deadline ~= job.old.deadline and waiting.due(board, job.id)
  if since then waiting.begin(board, job.id, since, waiting.deadline(head, since, due)) end
end

-- Note in the runs of a job how many it asks for, if that changes.
local function keep_runs(board, job)
  local own = packed_job.own_history(job.head, job.body)
  if own ~= packed_job.own_history(job.old, job.old_body) then runs.set_own(board, job.id, own) end
end

-- Store a job in the context for put.write_all. Returns its next run in ms, or 0.
function put.store(context, job)
  local head = job.head
  if head.paused then head.paused_next, job.due = job.due, nil end
  local packed = packed_job.pack(head, job.body)
  note_change(context, job, packed)
  job_store.put(context.store, job.id, packed, job.due)
  silence.add_put(context, job.id, job.now)
  if head.paused_until or job.old and job.old.paused_until then
    pauses.set_timer(context.board, job.id, head, job.old)
  end
  if job.old then keep_runs(context.board, job) end
  if job.has_labels or job.old then labels.note(context.labels, job.id, job.body, job.old_body) end
  if job.old then count_running(context, job) end
  if dependencies.has_time(job.old) then update_waiting(context.board, job, job.due) end
  if head.after or job.old and job.old.after then dependencies.link(context.board, job.id, head, job.old) end
  return job.due or 0
end

local function apply(context, args, create_only)
  local job = put.read(context, args, create_only)
  check_cycle(context.board, job)
  if context.is_staging then revision.bump_if_staged(context.board, job.id) end
  return put.store(context, job)
end

-- Write all stored jobs, and record the change: `what`, and its target if there is one.
function put.write_all(context, what, target)
  job_store.write(context.store)
  labels.write(context.labels)
  silence.note_put(context)
  changes.record(context.board, what, context.author, { jobs = context.changed, target = target })
end

-- Create or update one job. `what` is how the change is recorded. Returns its next run in ms, or 0 if there is none.
function put.apply(board, args, create_only, what)
  local context = manual_context(board)
  local due = apply(context, args, create_only)
  put.write_all(context, what)
  return due
end

-- Create or update several jobs. Returns for each its next run or an error.
function put.apply_all(board, groups, create_only, author)
  local context, expected, replies = manual_context(board, author), {}, {}
  for i, group in ipairs(groups) do expected[i] = group[1] end
  job_store.expect(context.store, expected)
  for i, group in ipairs(groups) do replies[i] = command.attempt(apply, context, group, create_only) end
  put.write_all(context, 'put')
  return replies
end

return put
