-- What an alert is for, as `for` gives it: ids of jobs, patterns with * and ?, labels (name=value) and queues (queue:name),
-- separated by commas. One that matches is enough. An alert without `for` is for everything.

local fail_option = require('base.errors').fail_option
local glob = require 'base.glob'
local key = require('base.keys').key
local ids = require 'job.ids'
local label_option = require 'job.label_option'
local packed_job = require 'job.packed_job'

local scope = {}

local MAX_TERMS = 100

local function read_term(text)
  local queue = text:match('^queue:(.+)$')
  if queue then return { queue = glob.read(queue) } end
  if text:find('=', 1, true) then return { label = text } end
  if text:find('[*?]') then return { glob = glob.read(text) } end
  return { id = text }
end

-- Check that something may have this term.
local function check_term(text)
  if text:find('^queue:') then
    if text == 'queue:' then fail_option('for', 'expected the name of a queue after queue:, such as queue:mail') end
  elseif text:find('^alert:') then
    fail_option('for', "alerts are never about the tasks of alerts: remove '" .. text .. "'")
  elseif text:find('=', 1, true) then
    label_option.read('for', text)
  elseif not text:find('[*?]') then
    ids.check('for', text)
  end
end

-- Check the text of `for`, and return its terms as a list of texts.
function scope.read(text)
  local terms = {}
  for part in (text .. ','):gmatch('%s*([^,]-)%s*,') do
    if part == '' or #part > 300 or part:find('[%s%c]') then
      fail_option('for', 'expected job ids, patterns, labels (name=value) or queue:<name>, separated by commas')
    end
    check_term(part)
    terms[#terms + 1] = part
  end
  if #terms > MAX_TERMS then fail_option('for', 'expected at most ' .. MAX_TERMS .. ' terms, got ' .. #terms) end
  return terms
end

-- Return the terms of an alert, each with its id, label, glob or queue.
function scope.terms(rule)
  if not rule.terms then
    rule.terms = {}
    for i, text in ipairs(rule['for']) do rule.terms[i] = read_term(text) end
  end
  return rule.terms
end

-- Whether a term that is a pattern matches a job or a queue; either may be nil.
function scope.matches_pattern(term, job, queue)
  if term.queue then return queue ~= nil and glob.matches(term.queue, queue) end
  return job ~= nil and glob.matches(term.glob, job)
end

-- Return the queue of a job's runs, or nothing if it is not on the board.
function scope.queue_of(board, job)
  local packed = redis.call('HGET', key(board, 'job'), job)
  local head = packed and packed_job.unpack(packed)
  return head and (head.queue or head.runner) or nil
end

local function matches(board, term, job)
  if term.id then return term.id == job end
  if term.label then return redis.call('ZSCORE', key(board, 'labels:' .. term.label), job) ~= false end
  return scope.matches_pattern(term, job, term.queue and scope.queue_of(board, job))
end

-- Whether a task is of an alert, by its job.
function scope.is_of_alert(job)
  return job:find('^alert:') ~= nil
end

-- Whether an alert is for a job.
function scope.covers(board, rule, job)
  local terms = scope.terms(rule)
  for _, term in ipairs(terms) do
    if matches(board, term, job) then return true end
  end
  return #terms == 0
end

-- Return the ids if an alert names its jobs one by one, or nothing.
function scope.named_jobs(rule)
  local named = {}
  for i, term in ipairs(scope.terms(rule)) do
    if not term.id then return nil end
    named[i] = term.id
  end
  return #named > 0 and named or nil
end

return scope
