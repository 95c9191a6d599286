#!lua flags=allow-oom
--[[ JALERT board put name runner payload when conditions [option value …]
     JALERT board remove name [name …] [- option value …]
     JALERT board test name [now time]

  Put or remove an alert: a rule that tells somebody. When one of its conditions is met, a task for the runner is queued,
  in the same script. `when` has one or more conditions, separated by commas:

    failed [n]       n runs of a job in a row (default 1) were given up
    dead             a task was given up
    recovered        a run of a job that was failing is done
    done             a run is done
    late time        an occurrence has not started so long after it was due
    missed [time]    it has not started (default 5m), or was skipped or coalesced
    long time        a task runs for longer, or, as in 3x, for longer than so many times what is usual
    silent time      a job has had no good run for so long
    unserved [time]  tasks wait in a queue that no worker serves (default 5m)
    behind [time]    nobody ticked for so long (default 1m), or ticks cannot keep up

  `for` says which jobs and queues: ids, patterns such as report-*, labels (team=payments), queue:<name>, separated by commas;
  default: all. `behind` is about the whole board. What goes on is told once; with `every` (a duration), again after so long.
  With `recovery yes`, its end is told, too. In `quiet` hours, such as 22:00-07:00 in `zone` (default UTC), tasks are delayed
  until these are over. After `burst` tasks in a minute (default 10), the others become one. `queue`, `priority` and the options
  read by workers are for the task. `owner` is the board file that has the alert. `by` and `because` say who changes it: see
  JCHANGES. An option without effect is refused, such as `zone` without `quiet`.

  A task's id is alert:<name>@<due>-<n>. Its options have the facts under `alert`, and its payload is the alert's, in which the
  worker fills in {job}, {reason} and so on. Alerts are never about tasks of alerts.

    FCALL JALERT 1 {jobs} put payments notify ops when 'failed 3, late 10m' for team=payments every 4h
    FCALL JALERT 1 {jobs} test payments               returns the task's id
    FCALL JALERT 1 {jobs} remove payments             returns how many existed

  Returns OK for put.
  Errors: JOBS OPTION, JOBS NOTFOUND, JOBS PAYLOAD.
--]]
local conditions = require 'alert.conditions'
local deadlines = require 'alert.deadlines'
local describe = require 'alert.describe'
local quiet = require 'alert.quiet'
local rules = require 'alert.rules'
local scope = require 'alert.scope'
local telling = require 'alert.telling'
local arguments = require 'base.arguments'
local errors = require 'base.errors'
local key = require('base.keys').key
local is_same = require('base.tables').is_same
local ids = require 'job.ids'
local payloads = require 'job.payloads'
local worker_options = require 'job.worker_options'
local changes = require 'ledger.changes'
local duration = require 'time.duration'
local instant = require 'time.instant'
local zones = require 'time.zones'

local OPTIONS = {
  when = true, ['for'] = true, every = true, recovery = true, quiet = true, zone = true, burst = true, owner = true,
  queue = true, priority = true, by = true, because = true, now = true,
}
local MAX_PAYLOAD = 65536

local function check_name(name)
  if not name:match('^[%w][%w._-]*$') or #name > 64 then
    errors.fail_option('alert', "expected 1 to 64 letters, digits, dots, dashes or underscores, got '" .. name:sub(1, 64) .. "'")
  end
end

local function read_flag(name, text)
  if text ~= 'yes' and text ~= 'no' then errors.fail_option(name, "expected yes or no, got '" .. text .. "'") end
  return text == 'yes' or nil
end

local function read_every(text)
  local ms = duration.ms('every', text)
  if ms < 1000 then errors.fail_option('every', "expected at least 1s, got '" .. text .. "'") end
  return ms
end

-- Kinds of conditions whose end is never told.
local ENDLESS = { dead = true, recovered = true, done = true, missed = true }

-- Whether all conditions of an alert are of some kinds, a set.
local function is_only(rule, kinds)
  for _, condition in ipairs(rule.when) do
    if not kinds[condition.kind] then return false end
  end
  return true
end

-- Refuse options that have no effect.
local function check_effects(rule)
  if rule.recovery and is_only(rule, ENDLESS) then
    local text = conditions.text(rule.when)
    errors.fail_option('recovery', "expected a condition that goes on, such as failed, got '" .. text .. "'")
  end
  if #rule['for'] > 0 and is_only(rule, { behind = true }) then
    errors.fail_option('for', 'behind is about the whole board: remove the option')
  end
end

-- Read an alert from the arguments.
local function read_rule(board, name, runner, payload, options)
  check_name(name)
  ids.check_runner(runner)
  payloads.check(math.min(payloads.limit(board), MAX_PAYLOAD), payload)
  if not options.when then errors.fail_option('when', 'expected a condition such as failed 3, got none') end
  if options.quiet then quiet.check(options.quiet) end
  if options.zone then
    if not options.quiet then errors.fail_option('zone', 'expected quiet hours with it, such as 22:00-07:00, got none') end
    zones.find(board, options.zone)
  end
  local json, flags = worker_options.to_json(options)
  local rule = {
    name = name, runner = runner, when = conditions.read(options.when),
    ['for'] = options['for'] and options['for'] ~= '' and scope.read(options['for']) or {},
    every = options.every and read_every(options.every),
    recovery = options.recovery and read_flag('recovery', options.recovery),
    quiet = options.quiet, zone = options.zone,
    burst = arguments.whole_number('burst', options.burst or '10', 1), owner = options.owner,
    queue = options.queue and options.queue ~= runner and worker_options.queue_name(options.queue) or nil,
    priority = worker_options.priority(options), options = json, flags = flags,
  }
  check_effects(rule)
  return rule
end

local function require_room(board, name)
  if redis.call('HEXISTS', key(board, 'alerts'), name) == 1 then return end
  if redis.call('HLEN', key(board, 'alerts')) >= rules.MOST then
    errors.fail('OPTION', 'the board has ' .. rules.MOST .. ' alerts, which is the most: remove one first')
  end
end

local function put(board, args)
  local options = arguments.read_options(args, 5, worker_options.READERS, OPTIONS)
  local author, now = changes.author(options), instant.now(options)
  local payload = args[4] or ''
  local rule, old = read_rule(board, args[2] or '', args[3] or '', payload, options), rules.find(board, args[2] or '')
  require_room(board, rule.name)
  local before, after = old and describe.change(old, rules.payload(board, old)), describe.change(rule, payload)
  rules.store(board, rule, payload, now)
  deadlines.begin(board, rule, now)
  if not (before and is_same(before, after)) then
    changes.record(board, 'alert', author, { target = 'alert:' .. rule.name, before = before, after = after })
  end
  return redis.status_reply('OK')
end

local function remove(board, args)
  local n = arguments.count_before_dash(args)
  if n < 2 then errors.fail('OPTION', 'JALERT remove expects at least one name') end
  local options = arguments.read_options(args, n + 2, changes.OPTIONS)
  local author, now, removed = changes.author(options), instant.now(options), 0
  for i = 2, n do
    local old = rules.find(board, args[i])
    if old then
      local before = describe.change(old, rules.payload(board, old))
      rules.remove(board, args[i], now)
      removed = removed + 1
      changes.record(board, 'alert', author, { target = 'alert:' .. args[i], before = before })
    end
  end
  return removed
end

local function test(board, args)
  local options = arguments.read_options(args, 3, { now = true })
  local rule = rules.find(board, args[2] or '')
  if not rule then errors.fail('NOTFOUND', "there is no alert '" .. (args[2] or '') .. "'") end
  return telling.test(board, rule, instant.now(options))
end

local VERBS = { put = put, remove = remove, test = test }

return function(board, args)
  local verb = args[1] or ''
  if not VERBS[verb] then errors.fail('OPTION', "JALERT expects put, remove or test, got '" .. verb .. "'") end
  return VERBS[verb](board, args)
end
