-- Builds the arguments of a put from the stored job and the changes to it.

local arguments = require 'base.arguments'
local dependencies = require 'define.dependencies'
local put = require 'define.put'
local schedule_options = require 'define.schedule_options'
local describe = require 'job.describe'
local if_match = require 'job.if_match'
local lookup = require 'job.lookup'
local worker_options = require 'job.worker_options'

local edit = {}

local EDIT_OPTIONS = {
  runner = true, payload = true, queue = true, priority = true, now = true, by = true, because = true, ['if-match'] = true,
}

-- Each option that makes a schedule, and the options that do not go with it.
local REPLACES = {
  every = { 'at', 'cron', 'zone', 'dst' },
  cron = { 'every', 'decay', 'step', 'at' },
  at = {
    'every', 'decay', 'step', 'cron', 'zone', 'dst', 'start', 'stop', 'repeat', 'jitter', 'misfire', 'grace', 'overlap',
  },
  after = { 'jitter' },
  duration = { 'stop' },
}

-- A job may have a time, parents, or both. An edit that names one of them drops the other, unless the job has both.
local OTHER_KIND = {
  time = { 'after', 'on', 'join', 'deadline', 'at-deadline' },
  after = { 'every', 'decay', 'step', 'at', 'cron', 'zone', 'dst', 'misfire', 'grace' },
}
local TIMES = { every = true, cron = true, at = true }

-- Write a value of JGET as an option.
local function to_text(value)
  if type(value) == 'table' then return table.concat(value, ',') end
  return type(value) == 'number' and string.format('%.14g', value) or value
end

-- Return the options of a job as they would be given to put it.
local function current_options(id, head, body)
  local options = describe.options(id, head, body)
  options.id, options.left = nil, nil
  if not head.start_given then options.start = nil end
  if head.months and not head.start_given then options.every = 'R//' .. head.period end
  for name, value in pairs(options) do options[name] = to_text(value) end
  return options
end

local function remove_all(options, names)
  for _, name in ipairs(names or {}) do options[name] = nil end
end

-- Remove the options that do not go with a new one.
local function make_room(options, name, has_both)
  if schedule_options.EVERY_UNITS[name] then
    options.every = nil
    name = 'every'
  end
  remove_all(options, REPLACES[name])
  if not has_both then remove_all(options, OTHER_KIND[TIMES[name] and 'time' or name]) end
end

-- Removing the parents, or the time of a job with both, removes what belongs to them.
local function remove_rest(options)
  if not options.after then remove_all(options, OTHER_KIND.time) end
  if options.after and not (options.every or options.cron or options.at) then
    remove_all(options, { 'zone', 'dst', 'misfire', 'grace', 'deadline', 'at-deadline' })
  end
end

-- Change the options of a job: pairs of option and value from the second argument on. Returns its next run in ms, or 0.
function edit.apply(board, args)
  local id = args[1] or ''
  local changes = arguments.read_options(args, 2, schedule_options.NAMES, worker_options.READERS, EDIT_OPTIONS)
  local head, body = lookup.require_job(board, id)
  if_match.check(changes, id, head, body)
  changes['if-match'] = nil
  local options = current_options(id, head, body)
  local has_both = dependencies.has_time(head)
  for name, value in pairs(changes) do
    if value ~= '' then make_room(options, name, has_both) end
  end
  for name, value in pairs(changes) do options[name] = (value ~= '' or name == 'payload') and value or nil end
  if has_both then remove_rest(options) end
  local job = { id, options.runner or head.runner, options.payload }
  options.runner, options.payload = nil, nil
  for name, value in pairs(options) do
    job[#job + 1], job[#job + 2] = name, value
  end
  return put.apply(board, job, false, 'edit')
end

return edit
