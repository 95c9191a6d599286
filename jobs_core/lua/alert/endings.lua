-- Alerts about how tasks end: `failed`, `dead`, `recovered` and `done`, and the options on-failure and on-success of a job.

local notices = require 'alert.notices'
local scope = require 'alert.scope'
local telling = require 'alert.telling'
local attempts = require 'queue.attempts'
local lanes = require 'queue.lanes'
local leases = require 'queue.leases'
local records = require 'queue.records'

local endings = {}

-- Queue what a job's own option asks for: `runner payload`.
local function tell_own(board, job, kind, text, facts, now)
  if not text or scope.is_of_alert(job) then return end
  local runner, payload = text:match('^(%S+) ?(.*)$')
  facts.kind, facts.state, facts.since = kind, 'firing', now / 1000
  local name = (kind == 'done' and 'on-success:' or 'on-failure:') .. job
  telling.tell(board, { name = name, runner = runner, payload = payload, options = '', flags = '' }, facts, now)
end

local function facts_of(task, job, failures)
  local _, _, worker, code, note = attempts.last(task)
  return {
    job = job, queue = (lanes.split(task.lane)), task = task.id, count = failures,
    worker = worker ~= '-' and worker or nil, code = code ~= '-' and code or nil, note = note ~= '' and note or nil,
    attempts = task.attempt,
  }
end

-- A task was given up. `failures` is how many runs of its job have died in a row; nothing for a task without a job.
function endings.note_dead(board, task, failures, now)
  local job, own = records.job_of(task.id), task.options['on-failure']
  if own then tell_own(board, job, 'dead', own, facts_of(task, job, failures), now) end
  if not notices.is_asked(board, 'dead') then return end
  local facts = facts_of(task, job, failures)
  notices.add(board, { { what = 'dead', job = job, queue = facts.queue, failures = failures, at = now, facts = facts } })
end

local function done_facts(job, task, queue)
  return { job = job, queue = queue, task = task }
end

-- Runs of jobs are done, after others that died: a list of { job = …, task = …, failures = … }, a task as note_done has it, and
-- how many died.
function endings.note_recovered(board, runs, now)
  local list = {}
  for i, run in ipairs(runs) do
    local facts = done_facts(run.job, run.task.id, leases.queue(run.task.head))
    facts.count = run.failures
    list[i] = { what = 'recovered', job = run.job, queue = facts.queue, at = now, facts = facts }
  end
  notices.add(board, list)
end

-- Tasks are done: a list of { id = …, job = …, head = … }, where that is how it is stored, or the beginning of it.
function endings.note_done(board, tasks, now)
  local list = {}
  for i, task in ipairs(tasks) do
    local facts = done_facts(task.job, task.id, leases.queue(task.head))
    list[i] = { what = 'done', job = task.job, queue = facts.queue, at = now, facts = facts }
  end
  notices.add(board, list)
end

-- A task with the option on-success is done.
function endings.note_success(board, task, now)
  local job = records.job_of(task.id)
  local facts = done_facts(job, task.id, (lanes.split(task.lane)))
  tell_own(board, job, 'done', task.options['on-success'], facts, now)
end

return endings
