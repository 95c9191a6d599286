-- Alerts about how tasks end: `failed`, `dead`, `recovered` and `done`, and the options on-failure and on-success of a job.

local key = require('base.keys').key
local incidents = require 'alert.incidents'
local rules = require 'alert.rules'
local scope = require 'alert.scope'
local telling = require 'alert.telling'
local attempts = require 'queue.attempts'
local lanes = require 'queue.lanes'
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

-- Call a function for each alert about how a job's task ends.
local function each(board, kinds, job, queue, tell)
  for _, pair in ipairs(rules.with(board, kinds)) do
    if scope.covers(board, pair[1], job, queue) then tell(pair[1], pair[2]) end
  end
end

local DEAD = { failed = true, dead = true }

-- A task was given up. `failures` is how many runs of its job have died in a row; nothing for a task without a job.
function endings.note_dead(board, task, failures, now)
  local job = records.job_of(task.id)
  local _, _, worker, code, note = attempts.last(task)
  local function facts()
    return {
      job = job, queue = (lanes.split(task.lane)), task = task.id, count = failures,
      worker = worker ~= '-' and worker or nil, code = code ~= '-' and code or nil, note = note ~= '' and note or nil,
      attempts = task.attempt,
    }
  end
  tell_own(board, job, 'dead', task.options['on-failure'], facts(), now)
  if redis.call('EXISTS', key(board, 'alerts')) == 0 then return end
  each(board, DEAD, job, facts().queue, function(rule, condition)
    if condition.kind == 'dead' then return incidents.tell_once(board, rule, condition, job, facts(), now) end
    if failures and failures >= condition.n then incidents.fire(board, rule, condition, job, facts(), now) end
  end)
end

local WELL = { failed = true, recovered = true }

-- A run of a job was done, after as many that died.
function endings.note_recovered(board, job, task, failures, now)
  local queue = nil
  each(board, WELL, job, queue, function(rule, condition)
    local facts = { job = job, task = task, count = failures }
    if condition.kind == 'recovered' then return incidents.tell_once(board, rule, condition, job, facts, now) end
    incidents.close(board, rule, condition, job, facts, now)
  end)
end

local DONE = { done = true }

-- Tasks are done: a list of { id = …, job = … }.
function endings.note_done(board, tasks, now)
  local found = rules.with(board, DONE)
  if #found == 0 then return end
  for _, task in ipairs(tasks) do
    for _, pair in ipairs(found) do
      if scope.covers(board, pair[1], task.job) then
        incidents.tell_once(board, pair[1], pair[2], task.job, { job = task.job, task = task.id }, now)
      end
    end
  end
end

-- A task with the option on-success is done.
function endings.note_success(board, task, now)
  local job = records.job_of(task.id)
  tell_own(board, job, 'done', task.options['on-success'], { job = job, task = task.id }, now)
end

return endings
