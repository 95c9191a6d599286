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
  read by workers are for the task. `owner` is the board file that has the alert (default: the one that has it; empty: none). `by`
  and `because` say who changes it: see JCHANGES. An option without effect is refused, such as `zone` without `quiet`.

  `if-match` is the etag of the alert as the caller has read it: see JALERTS. If it has changed since, or is gone, nothing is
  put. If `if-match` is none, there must be no such alert. Removing one alert takes an etag, too.

  An alert of a board with partitions is put, removed and tested in the partition that the CRC16 of its name chooses, which tells
  the others of it in messages: see JOUTBOX.

  A task's id is alert:<name>@<due>-<n>. Its options have the facts under `alert`, and its payload is the alert's, in which the
  worker fills in {job}, {reason} and so on. Alerts are never about tasks of alerts.

    FCALL JALERT 1 {jobs} put payments notify ops when 'failed 3, late 10m' for team=payments every 4h
    FCALL JALERT 1 {jobs} test payments               returns the task's id
    FCALL JALERT 1 {jobs} remove payments             returns how many existed

  Returns OK for put.
  Errors: JOBS AGAIN, JOBS CONFLICT, JOBS EXISTS, JOBS OPTION, JOBS NOTFOUND, JOBS PAYLOAD.
--]]
local alerts = require 'alert.put'
local rules = require 'alert.rules'
local sharing = require 'alert.sharing'
local telling = require 'alert.telling'
local apply_state = require 'base.apply_state'
local arguments = require 'base.arguments'
local errors = require 'base.errors'
local key = require('base.keys').key
local if_match = require 'job.if_match'
local revision = require 'job.revision'
local changes = require 'ledger.changes'
local instant = require 'time.instant'

local OPTIONS = { owner = true, by = true, because = true, now = true, ['if-match'] = true }

-- Fail if the options have an etag that is not the alert's. `old` is nil if there is no such alert.
local function check_etag(options, name, old)
  local expected = options['if-match']
  if expected == 'none' then
    if old then errors.fail('EXISTS', "the alert '" .. name .. "' already exists: read it, and change it") end
  elseif expected and not (old and old.etag == expected) then
    errors.fail('CONFLICT', "the alert '" .. name .. "' has changed since you read it: read it again")
  end
end

local function require_room(board, name)
  if redis.call('HEXISTS', key(board, 'alerts'), name) == 1 then return end
  if redis.call('HLEN', key(board, 'alerts')) >= rules.MOST then
    errors.fail('OPTION', 'the board has ' .. rules.MOST .. ' alerts, which is the most: remove one first')
  end
end

-- Write alerts that are put or removed by hand: a board file that is being staged may have them, too.
local function write(board, found, author, now)
  for _, alert in ipairs(found) do revision.bump_if_staged(board, 'alert:' .. alert.name) end
  alerts.write(board, found, author, now)
end

local function put(board, args)
  local alert = alerts.read(board, { unpack(args, 2) }, OPTIONS)
  sharing.require_home(board, alert.name)
  local options, old = alert.options, rules.find(board, alert.name)
  local author, now = changes.author(options), instant.now(options)
  check_etag(options, alert.name, old)
  local owner = options.owner or old and old.owner
  alert.rule.owner = owner ~= '' and owner or nil
  require_room(board, alert.name)
  write(board, { alert }, author, now)
  return redis.status_reply('OK')
end

local function remove(board, args)
  local n = arguments.count_before_dash(args)
  if n < 2 then errors.fail('OPTION', 'JALERT remove expects at least one name') end
  local options = arguments.read_options(args, n + 2, changes.OPTIONS, if_match.OPTIONS)
  local author, now, found, seen = changes.author(options), instant.now(options), {}, {}
  if options['if-match'] and n > 2 then errors.fail_option('if-match', 'expected one alert, got ' .. n - 1) end
  for i = 2, n do sharing.require_home(board, args[i]) end
  if options['if-match'] then check_etag(options, args[2], rules.find(board, args[2])) end
  for i = 2, n do
    local name = args[i]
    if rules.find(board, name) and not seen[name] then found[#found + 1], seen[name] = { name = name }, true end
  end
  write(board, found, author, now)
  return #found
end

local function test(board, args)
  local options = arguments.read_options(args, 3, { now = true })
  sharing.require_home(board, args[2] or '')
  local rule = rules.find(board, args[2] or '')
  if not rule then errors.fail('NOTFOUND', "there is no alert '" .. (args[2] or '') .. "'") end
  return telling.test(board, rule, instant.now(options))
end

local VERBS = { put = put, remove = remove, test = test }

return function(board, args)
  local verb = args[1] or ''
  if not VERBS[verb] then errors.fail('OPTION', "JALERT expects put, remove or test, got '" .. verb .. "'") end
  apply_state.require_no_pending_apply(board)
  return VERBS[verb](board, args)
end
