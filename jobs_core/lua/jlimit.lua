#!lua
--[[ JLIMIT board queue|runner name [concurrency n] [rate n/period] [max-length n]
        [by who] [because text] [now time]

  Limit a queue or a runner over all workers: how many of its tasks may run at once (`concurrency`), and how many may
  start in a period (`rate`). A limit that is left out is removed; with neither option, the queue or runner has no limit.
  A new limit counts the tasks that run already. For a limit of one job, use the job's own options.

  `max-length`, of a queue only, is how many tasks may wait in it, those that limits hold included. Beyond that a push is
  rejected, and a run that is due is skipped. Retries and delayed tasks always return to their queue. `by` and `because` say
  who sets the limit, and why: see JCHANGES.

  On a board of several partitions, call the one that the CRC16 of the limit's name chooses, as in runner:http or queue:mail. It
  tells the others by messages (see JOUTBOX), and lends them what the limit allows.

    FCALL JLIMIT 1 {jobs} runner http concurrency 20 rate 100/1m

  Returns the limit as stored: concurrency, n and period in ms, with - for each that is not set.
  Errors: JOBS OPTION.
--]]
local arguments = require 'base.arguments'
local fail_option = require('base.errors').fail_option
local key = require('base.keys').key
local digits = require('base.numbers').digits
local partition = require 'base.partition'
local worker_options = require 'job.worker_options'
local changes = require 'ledger.changes'
local lending = require 'limit.lending'
local limits = require 'limit.limits'
local settings = require 'limit.settings'
local instant = require 'time.instant'

local function reject_kind(kind)
  fail_option('limit', 'expected "queue" or "runner", got ' .. "'" .. (kind or '') .. "'")
end

local function read_length(kind, options)
  local text = options['max-length']
  if text and kind ~= 'queue' then fail_option('max-length', 'a queue can have one, a runner cannot') end
  return text and arguments.whole_number('max-length', text, 1)
end

-- Describe the limit of a queue or a runner for JCHANGES, as a table.
local function describe_limit(board, kind, name)
  local most = kind == 'queue' and redis.call('HGET', key(board, 'lengths'), name)
  local concurrency, n, period = (redis.call('HGET', key(board, 'limits'), kind .. ':' .. name) or ''):match('^(%S+) (%S+) (%S+)')
  local rate = tonumber(n) and string.format('%s/%.14g', n, period / 1000) or nil
  return { concurrency = tonumber(concurrency), rate = rate, ['max-length'] = tonumber(most or nil) }
end

local function record_change(board, kind, name, author, before)
  local after = describe_limit(board, kind, name)
  if cjson.encode(before) == cjson.encode(after) then return end
  changes.record(board, 'limit', author, { target = kind .. ':' .. name, before = before, after = after })
end

return function(board, args)
  local kind, name = args[1], args[2] or ''
  if kind ~= 'queue' and kind ~= 'runner' then reject_kind(kind) end
  name = kind .. ':' .. (kind == 'queue' and worker_options.queue_name(name) or worker_options.word('name', name))
  partition.require_own_limit(board, name)
  local options = arguments.read_options(args, 3, { concurrency = true, rate = true, ['max-length'] = true }, changes.OPTIONS)
  local author, now = changes.author(options), instant.now(options)
  local concurrency = options.concurrency and arguments.whole_number('concurrency', options.concurrency, 1)
  local most = read_length(kind, options)
  local n, period
  if options.rate then n, period = limits.split_rate(worker_options.rate('rate', options.rate)) end
  local described = describe_limit(board, kind, args[2])
  local stored = table.concat({ concurrency or '-', n or '-', period and digits(period) or '-' }, ' ')
  settings.set(board, name, (concurrency or n) and stored or nil, most and digits(most), now)
  lending.announce(board, name, now)
  record_change(board, kind, args[2], author, described)
  return stored
end
