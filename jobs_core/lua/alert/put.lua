-- Reads alerts that are put, and writes what changes of them: for JALERT, one by one, and for board files.

local conditions = require 'alert.conditions'
local deadlines = require 'alert.deadlines'
local describe = require 'alert.describe'
local quiet = require 'alert.quiet'
local rules = require 'alert.rules'
local scope = require 'alert.scope'
local sharing = require 'alert.sharing'
local arguments = require 'base.arguments'
local errors = require 'base.errors'
local is_same = require('base.tables').is_same
local ids = require 'job.ids'
local payloads = require 'job.payloads'
local worker_options = require 'job.worker_options'
local changes = require 'ledger.changes'
local duration = require 'time.duration'
local zones = require 'time.zones'

local put = {}

local OPTIONS = {
  when = true, ['for'] = true, every = true, recovery = true, quiet = true, zone = true, burst = true, queue = true,
  priority = true,
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
  if rule.zone and not rule.quiet then
    errors.fail_option('zone', 'expected quiet hours with it, such as 22:00-07:00, got none')
  end
  if rule.recovery and is_only(rule, ENDLESS) then
    local text = conditions.text(rule.when)
    errors.fail_option('recovery', "expected a condition that goes on, such as failed, got '" .. text .. "'")
  end
  if #rule['for'] > 0 and is_only(rule, { behind = true }) then
    errors.fail_option('for', 'behind is about the whole board: remove the option')
  end
end

-- Read an alert: its name, runner, payload, and options, of which `more` is a set beside those of every alert. Returns a table:
-- its name, the rule without its owner, the payload, and the options.
function put.read(board, args, more)
  local name, runner, payload = args[1] or '', args[2] or '', args[3] or ''
  local options = arguments.read_options(args, 4, worker_options.READERS, OPTIONS, more)
  check_name(name)
  ids.check_runner(runner)
  payloads.check(math.min(payloads.limit(board), MAX_PAYLOAD), payload)
  if not options.when then errors.fail_option('when', 'expected a condition such as failed 3, got none') end
  if options.quiet then quiet.check(options.quiet) end
  local json, flags = worker_options.to_json(options)
  local rule = {
    name = name, runner = runner, when = conditions.read(options.when),
    ['for'] = options['for'] and options['for'] ~= '' and scope.read(options['for']) or {},
    every = options.every and read_every(options.every),
    recovery = options.recovery and read_flag('recovery', options.recovery),
    quiet = options.quiet, zone = options.zone,
    burst = arguments.whole_number('burst', options.burst or '10', 1),
    queue = options.queue and options.queue ~= runner and worker_options.queue_name(options.queue) or nil,
    priority = worker_options.priority(options), options = json, flags = flags,
  }
  check_effects(rule)
  if options.zone then zones.find(board, options.zone) end
  return { name = name, rule = rule, payload = payload, options = options }
end

-- Put alerts, as put.read returns them, and remove those that have a name only. Each that changes is recorded, and told to the
-- other partitions of the board.
function put.write(board, alerts, author, now)
  local details, unchanged, names = {}, {}, {}
  for i, alert in ipairs(alerts) do
    local old = rules.find(board, alert.name)
    details[i] = {
      target = 'alert:' .. alert.name, before = old and describe.change(old, rules.payload(board, old)),
      after = alert.rule and describe.change(alert.rule, alert.payload),
    }
    local before, after = details[i].before, details[i].after
    unchanged[i] = before and after and is_same(before, after)
    if unchanged[i] then alert.rule.etag = old.etag end
  end
  rules.write(board, alerts, now)
  for i, alert in ipairs(alerts) do
    if alert.rule then deadlines.begin(board, alert.rule, now) end
    if not unchanged[i] then changes.record(board, 'alert', author, details[i]) end
    names[i] = alert.name
  end
  sharing.tell(board, names)
end

return put
