-- The occurrences of a job in the past, as its schedule has them.

local fail_option = require('base.errors').fail_option
local key = require('base.keys').key
local patterns = require 'cron.patterns'
local next_run = require 'define.next_run'
local lookup = require 'job.lookup'
local instant = require 'time.instant'

local past_dues = {}

-- Let the occurrences of a head reach back to `from`. A start that was given stays. So does that of a decaying interval, and
-- of months, which count from it.
local function reach_back(head, from)
  if head.start_given or not head.start or head.start <= from then return end
  if head.cron then
    head.start = from
  elseif head.every and not head.decay then
    head.start = head.start - math.ceil((head.start - from) / head.every) * head.every
  end
end

local function read_time(options, name, now)
  if not options[name] then fail_option(name, 'expected a time, got none') end
  return instant.ms(name, options[name], now)
end

local function read_head(board, job)
  local head = lookup.require_job(board, job)
  if not (head.every or head.cron or head.months or head.at) then
    fail_option('job', "expected a job with a time of its own, but '" .. job .. "' has none: it needs every, cron or at")
  end
  return head
end

-- A range of occurrences of a job: its head, and a cache of cron patterns.
function past_dues.new_range(board, job, head)
  return { job = job, head = head, cache = patterns.new_cache(board) }
end

-- Read the options `from` and `to`. The range ends at its job's next run, or at `now`: ticks queue what comes then.
function past_dues.read_range(board, job, options, now)
  local range = past_dues.new_range(board, job, read_head(board, job))
  range.from = read_time(options, 'from', now)
  local to = read_time(options, 'to', now)
  if to <= range.from then fail_option('to', 'expected a time after from') end
  reach_back(range.head, range.from)
  local upcoming = tonumber(redis.call('ZSCORE', key(board, 'schedule'), job) or nil)
  range.upto = math.min(to, now + 1, upcoming or to)
  local first = next_run.first(range.head, range.from, range.cache, job)
  range.first = first and first >= range.from and first < range.upto and first or nil
  return range
end

-- Return up to `most` occurrences of a range from `first` on, and the one that follows, if there is one.
function past_dues.list(range, first, most)
  local found, due = {}, first
  while due and due < range.upto do
    if #found == most then return found, due end
    found[#found + 1] = due
    due = next_run.after(range.head, due, due, range.cache, range.job)
  end
  return found, nil
end

-- Count the occurrences of a range without listing them.
function past_dues.count(range)
  if not range.first then return 0 end
  local _, passed = next_run.after(range.head, range.first, range.upto - 1, range.cache, range.job)
  return 1 + passed
end

return past_dues
