-- What an alert is for, as `for` gives it: ids of jobs, patterns with * and ?, labels (name=value) and queues (queue:name),
-- separated by commas. One that matches is enough. An alert without `for` is for everything.

local fail_option = require('base.errors').fail_option
local key = require('base.keys').key

local scope = {}

local MAX_TERMS = 100

-- Return a pattern of Lua for a glob.
local function from_glob(text)
  local pattern = text:gsub('[%^%$%(%)%%%.%[%]%+%-]', '%%%0'):gsub('%*+', '.*'):gsub('%?', '.')
  return '^' .. pattern .. '$'
end

local function read_term(text)
  local queue = text:match('^queue:(.+)$')
  if queue then return { queue = from_glob(queue) } end
  if text:find('=', 1, true) then return { label = text } end
  if text:find('[*?]') then return { glob = from_glob(text) } end
  return { id = text }
end

-- Check the text of `for`, and return its terms as a list of texts.
function scope.read(text)
  local terms = {}
  for part in (text .. ','):gmatch('%s*([^,]-)%s*,') do
    if part == '' or #part > 300 or part:find('[%s%c]') then
      fail_option('for', 'expected job ids, patterns, labels (name=value) or queue:<name>, separated by commas')
    end
    terms[#terms + 1] = part
  end
  if #terms > MAX_TERMS then fail_option('for', 'expected at most ' .. MAX_TERMS .. ' terms, got ' .. #terms) end
  return terms
end

local function matches(board, term, job, queue)
  if term.id then return term.id == job end
  if term.queue then return queue ~= nil and queue:find(term.queue) ~= nil end
  if not job then return false end
  if term.glob then return job:find(term.glob) ~= nil end
  return redis.call('ZSCORE', key(board, 'labels:' .. term.label), job) ~= false
end

-- Whether a task is of an alert, by its job.
function scope.is_of_alert(job)
  return job:find('^alert:') ~= nil
end

-- Whether an alert is for a job or a queue; either may be nil. No alert is about the tasks of alerts, so that none loops.
function scope.covers(board, rule, job, queue)
  if job and scope.is_of_alert(job) then return false end
  if #rule['for'] == 0 then return true end
  rule.terms = rule.terms or {}
  for i, text in ipairs(rule['for']) do
    rule.terms[i] = rule.terms[i] or read_term(text)
    if matches(board, rule.terms[i], job, queue) then return true end
  end
  return false
end

-- Return the ids if an alert names its jobs one by one, or nothing.
function scope.named_jobs(rule)
  local ids = {}
  for i, text in ipairs(rule['for']) do
    ids[i] = read_term(text).id
    if not ids[i] then return nil end
  end
  return #ids > 0 and ids or nil
end

return scope
