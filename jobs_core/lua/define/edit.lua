-- Builds the arguments of a put from the stored job and the changes to it.

local arguments = require 'base.arguments'
local put = require 'define.put'
local schedule_options = require 'define.schedule_options'
local describe = require 'job.describe'
local lookup = require 'job.lookup'
local worker_options = require 'job.worker_options'

local edit = {}

local EDIT_OPTIONS = { runner = true, payload = true, queue = true, priority = true, now = true, by = true, because = true }

-- Each option that makes a schedule, and the options that do not go with it.
local REPLACES = {
  every = { 'at', 'cron', 'zone', 'dst', 'after', 'on', 'join' },
  cron = { 'every', 'decay', 'step', 'at', 'after', 'on', 'join' },
  after = { 'every', 'decay', 'step', 'at', 'cron', 'zone', 'dst', 'jitter', 'misfire', 'grace' },
  at = {
    'every', 'decay', 'step', 'cron', 'zone', 'dst', 'after', 'on', 'join', 'start', 'stop', 'repeat', 'jitter', 'misfire',
    'grace', 'overlap',
  },
  duration = { 'stop' },
}

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

-- Remove the options that do not go with a new one.
local function make_room(options, name)
  local unit = schedule_options.EVERY_UNITS[name]
  if unit then options.every = nil end
  for _, other in ipairs(REPLACES[unit and 'every' or name] or {}) do options[other] = nil end
end

-- Change the options of a job: pairs of option and value from the second argument on. Returns its next run in ms, or 0.
function edit.apply(board, args)
  local id = args[1] or ''
  local changes = arguments.read_options(args, 2, schedule_options.NAMES, worker_options.READERS, EDIT_OPTIONS)
  local head, body = lookup.require_job(board, id)
  local options = current_options(id, head, body)
  for name, value in pairs(changes) do
    if value ~= '' then make_room(options, name) end
  end
  for name, value in pairs(changes) do options[name] = (value ~= '' or name == 'payload') and value or nil end
  local job = { id, options.runner or head.runner, options.payload }
  options.runner, options.payload = nil, nil
  for name, value in pairs(options) do
    job[#job + 1], job[#job + 2] = name, value
  end
  return put.apply(board, job, false, 'edit')
end

return edit
