--- A client of Jobs, the scheduler that runs inside Redis.
--
-- For Lua 5.1 to 5.4 and LuaJIT. It takes a connected client of redis-lua, or one like lua-resty-redis that returns errors
-- as a second result, and calls the functions of Jobs in Redis. Boards with partitions also need jobs/partitions.lua.
--
--     local jobs = require 'jobs'
--     local board = jobs.board(require('redis').connect('127.0.0.1', 6379), 'jobs')
--     board:put('tick', 'shell', 'date', { every = 5, ['repeat'] = 10 })
--     board:queue('resize'):work(function(payload) ... end)
--
-- Errors are raised as tables: `code` (OPTION, NOTFOUND …, or SERVER), `message`, and `option`, the option that the error
-- is about, if it is about one. tostring() returns the message.

local unpack = table.unpack or unpack -- luacheck: ignore

local jobs = { _VERSION = '0.3.0' }

--- The read-only commands. They are called with FCALL_RO, which replicas and read-only users permit.
jobs.READS = {
  JALERTS = true, JBACKFILLS = true, JCHANGES = true, JCOUNT = true, JDUES = true, JDUMP = true, JFIND = true,
  JGAPS = true, JGET = true, JHOURS = true, JLABELS = true, JLOGS = true, JNEXT = true, JPERMIT = true, JRUNS = true,
  JSTATS = true, JSUMMARY = true, JTASKS = true, JTOP = true, JWHEN = true,
}

---@class jobs.Error
---@field code string     OPTION PAYLOAD NOTFOUND EXISTS CONFLICT STALE AGAIN LAYOUT FAULT, SERVER for errors of Redis itself, or
---UNCONFIRMED: done, but too few replicas of a durable board have it
---@field message string
---@field option string?  the option or argument that the error is about: every, payload, id …; nil if it is about none
local Error = {}
Error.__index = Error
Error.__tostring = function(self) return self.message end

local function fail(code, message, option)
  error(setmetatable({ code = code, message = message, option = option }, Error), 0)
end

--- Whether a value is an error of Jobs, with this code if one is given.
---@return boolean
function jobs.is_error(value, code)
  return getmetatable(value) == Error and (code == nil or value.code == code)
end

-- Calling Redis

-- Format a value for Redis. tostring() would write large numbers as 1.7e+12.
local function as_text(value)
  if type(value) == 'boolean' then return value and '1' or '0' end
  if type(value) == 'table' then
    local texts = {}
    for i, item in ipairs(value) do texts[i] = as_text(item) end
    return table.concat(texts, ',')
  end
  if type(value) ~= 'number' then return tostring(value) end
  if value == math.floor(value) then return string.format('%.0f', value) end
  return (string.format('%.6f', value):gsub('0+$', ''))
end

-- Return the method of a client for a Redis command. lua-resty-redis has one for each command; redis-lua needs a
-- definition of newer commands.
local function method_of(client, name)
  if not client[name] and client.define_command then client:define_command(name) end
  return client[name] or fail('SERVER', 'the Redis client has no method ' .. name .. ': update it')
end

-- Call a method of a client, which may raise errors or return them as a second result.
local function invoke(client, name, ...)
  local ok, reply, problem = pcall(method_of(client, name), client, ...)
  if not ok then return nil, tostring(reply) end
  if not reply and type(problem) == 'string' then return nil, problem end
  if type(reply) == 'userdata' then reply = nil end -- ngx.null
  return reply
end

-- Raise an error reply. Only an error about one option begins with a word and a colon.
local function raise_reply(problem)
  local code, sentence = problem:match('JOBS (%u+) (.*)')
  local has_option = code == 'OPTION' or code == 'PAYLOAD'
  fail(code or 'SERVER', sentence or problem, has_option and sentence:match('^([%w_-]+): ') or nil)
end

-- Return a JSON library with `decode` and `encode`.
local function find_json(given)
  for _, name in ipairs(given and {} or { 'cjson.safe', 'cjson', 'dkjson' }) do
    local found, library = pcall(require, name)
    if found then return library end
  end
  return given
end

---@class jobs.Commands
---@field patience number  for how many ms it waits for the replicas of a durable board
local Commands = {}
Commands.__index = Commands

--- Return the commands of a board, to call by name.
---@param client? table   a connected client; not needed with `connect`
---@param board? string   the board's name (default 'jobs')
---@param options? table  scripts: call only the scripts of the board's `commands` hash, with EVALSHA; connect: a function
---  that returns a client connected to the node of a cluster that has a key; json: see jobs.board
---@return jobs.Commands
function jobs.commands(client, board, options)
  options = options or {}
  local tag = '{' .. (board or 'jobs') .. '}'
  return setmetatable({
    client = options.connect and options.connect(tag) or client, connect = options.connect, tag = tag,
    scripts = options.scripts or false, json = find_json(options.json), shas = {}, recheck = 0, patience = 2000,
  }, Commands)
end

function Commands:_json()
  return self.json or fail('OPTION', 'json: no JSON library found: install lua-cjson or dkjson, or pass one', 'json')
end

-- Return the commands of a partition.
function Commands:_part(number)
  local tag = self.tag:sub(1, -2) .. '.' .. number .. '}'
  return setmetatable({
    client = self.connect and self.connect(tag) or self.client, connect = self.connect, tag = tag, scripts = self.scripts,
    shas = {}, recheck = 0, patience = self.patience, is_known = true,
  }, Commands)
end

-- Return the partitions of the board, or nil if it has none. The layout says so, once the board exists.
function Commands:_spread()
  if not self.is_known then
    local layout = self:_invoke_or_raise('get', self.tag .. ':layout')
    self.is_known = layout and true
    local count = tonumber(layout and layout:match('^%d+ of (%d+)$'))
    if not count then return end
    self.parts = {}
    for number = 0, count - 1 do
      self.parts[number] = self:_part(number)
      self.parts[number].settle = function() return self.spread:settle(number) end
    end
    self.spread = require('jobs.partitions').spread(self.parts, count, {
      fail = fail,
      decode = function(text) return (self:_json().decode(text)) end,
      encode = function(value) return self:_json().encode(value) end,
    })
  end
  return self.spread
end

-- Return the commands of the board itself, or of each of its partitions.
function Commands:_each()
  local spread, found = self:_spread(), { self }
  for number = 0, spread and spread.count - 1 or -1 do found[number + 1] = self.parts[number] end
  return found
end

-- Call a method of the client. If the key has moved to another node of a cluster, connect to that one, and call again.
function Commands:_invoke(method, ...)
  local reply, problem = invoke(self.client, method, ...)
  if not problem or not self.connect or not problem:find('MOVED ', 1, true) then return reply, problem end
  self.client = self.connect(self.tag)
  return invoke(self.client, method, ...)
end

function Commands:_invoke_or_raise(method, ...)
  local reply, problem = self:_invoke(method, ...)
  if problem then raise_reply(problem) end
  return reply
end

-- Return the SHA of a command's script, or nil.
function Commands:_sha(name)
  if not self.shas[name] then
    self.shas[name] = self:_invoke_or_raise('hget', self.tag .. ':commands', name)
  end
  return self.shas[name]
end

-- Call the script of a command. Returns whether Redis has it, and the reply.
function Commands:_evaluate(name, arguments)
  for _ = 1, 2 do
    local sha = self:_sha(name)
    if not sha then return false end
    local reply, problem = self:_invoke('evalsha', sha, 1, self.tag, unpack(arguments))
    if not problem then return true, reply end
    if not problem:find('NOSCRIPT', 1, true) then raise_reply(problem) end
    self.shas = {} -- read them again: an upgrade of Jobs loads new scripts
  end
  return false
end

-- Call the function of a command. Returns whether Redis has it, and the reply.
function Commands:_call_function(name, arguments)
  local method = jobs.READS[name] and 'fcall_ro' or 'fcall'
  local reply, problem = self:_invoke(method, name, 1, self.tag, unpack(arguments))
  if not problem then return true, reply end
  if not problem:find('Function not found', 1, true) then raise_reply(problem) end
  return false
end

-- Call the function of a command, or its script if Redis has lost the functions.
function Commands:_send(name, arguments)
  local found, reply = false, nil
  if not self.scripts then found, reply = self:_call_function(name, arguments) end
  if not found then found, reply = self:_evaluate(name, arguments) end
  if found then return reply end
  fail('SERVER', 'Redis does not have the ' .. (self.scripts and 'scripts' or 'functions') .. ' of Jobs, or not '
    .. name .. ': run `jobs init`')
end

-- Seconds after which a client reads again whether the board is durable.
local RECHECK = 10

-- Return how many replicas must have what is written: 0 if the board is not durable.
function Commands:_replicas()
  if os.time() >= self.recheck then
    local found = self:_invoke('hget', self.tag .. ':settings', 'durable')
    self.replicas, self.recheck = tonumber(found) or 0, os.time() + RECHECK
  end
  return self.replicas
end

-- On a durable board, wait for replicas to have what a command wrote.
function Commands:_confirm(name)
  if jobs.READS[name] or name == 'JRETAIN' or name == 'JTICK' or self:_replicas() == 0 then return end
  local found, problem = invoke(self.client, 'wait', self.replicas, self.patience)
  if tonumber(found) and tonumber(found) >= self.replicas then return end
  fail('UNCONFIRMED', 'Redis has done this, but ' .. (problem or 'only ' .. found) .. ' of ' .. self.replicas
    .. ' replicas have confirmed it, and the board is durable: a failover may undo it. Run `jobs doctor`')
end

--- Call a command: commands:call('JNEXT', 'tick', 'count', 3). Returns the reply; raises errors of Jobs.
---
--- On a board with partitions, it calls those that are concerned. If an apply of a board file is in progress, it helps to
--- finish it and tries again.
function Commands:call(name, ...)
  local arguments = {}
  for i = 1, select('#', ...) do arguments[i] = as_text((select(i, ...))) end
  local spread = self:_spread()
  if spread then return spread:call(name, arguments) end
  return self:call_here(name, arguments)
end

-- Help to finish the apply of a board file. Raises AGAIN if a partition waits for a client that may still be at it.
function Commands:_finish_apply()
  repeat
    local ok, left = pcall(self._send, self, 'JAPPLY', { 'roll' })
    if not ok and not (jobs.is_error(left, 'AGAIN') and self.settle and self.settle()) then error(left, 0) end
  until ok and tonumber(left) == 0
end

--- Call a command of the board itself, which may be a partition.
---@param name string
---@param arguments string[]
function Commands:call_here(name, arguments)
  while true do
    local ok, reply = pcall(self._send, self, name, arguments)
    if ok then
      self:_confirm(name)
      return reply
    end
    if not jobs.is_error(reply, 'AGAIN') then error(reply, 0) end
    self:_finish_apply()
  end
end

-- Arguments and replies

-- Options that may be true or false. In others, Redis would read true as 1.
local SWITCHES = {
  paused = true, payload = true, unstarted = true, raw = true, failing = true, late = true, running = true,
}

-- Write a mapping of labels as a list: { team = 'payments' } is { 'team=payments' }.
local function as_labels(labels)
  if type(labels) ~= 'table' or labels[1] ~= nil then return labels end
  local list = {}
  for name, value in pairs(labels) do list[#list + 1] = name .. '=' .. as_text(value) end
  return list
end

-- Options whose values are lists of names, which commas would split.
local LISTS = { after = 'job ids', label = 'labels' }

local function check_option(name, value)
  if type(value) == 'boolean' and not SWITCHES[name] then
    fail('OPTION', name .. ': expected text or a number, got ' .. tostring(value), name)
  end
  for _, item in ipairs(LISTS[name] and type(value) == 'table' and value or {}) do
    if tostring(item):find(',', 1, true) then
      fail('OPTION', name .. ': expected ' .. LISTS[name] .. " without commas, got '" .. tostring(item) .. "'", name)
    end
  end
end

-- Append `option value` pairs to a list. Underscores in names become dashes.
local function add_pairs(list, options)
  for name, value in pairs(options or {}) do
    if name == 'label' then value = as_labels(value) end
    check_option(name, value)
    list[#list + 1], list[#list + 2] = name:gsub('_', '-'), value
  end
  return list
end

local function as_map(flat)
  local map = {}
  for i = 1, #flat, 2 do map[flat[i]] = flat[i + 1] end
  return map
end

-- Convert ms to seconds; nil for 0.
local function as_seconds(ms)
  ms = tonumber(ms)
  return ms and ms > 0 and ms / 1000 or nil
end

---@class jobs.Board
---@field commands jobs.Commands
local Board = {}
Board.__index = Board

--- Return a board, a named set of jobs.
---@param client? table   a connected client; not needed with `connect`
---@param name? string    default 'jobs'
---@param options? table  json: a library with decode and encode, if neither cjson nor dkjson is installed; scripts:
---  call only scripts, with EVALSHA; by: who changes the board, such as 'ann@web-1', as board:changes() shows it; connect:
---  for a cluster, a function that takes a key and returns a client connected to the node that has it
---@return jobs.Board
function jobs.board(client, name, options)
  local commands = jobs.commands(client, name, options)
  return setmetatable({
    client = commands.client, name = name or 'jobs', commands = commands, by = options and options.by,
  }, Board)
end

function Board:_json() return self.commands:_json() end

function Board:_decode(text) return (self:_json().decode(text)) end

function Board:_payload(payload)
  return type(payload) == 'table' and self:_json().encode(payload) or payload
end

-- Append options to a list, and who makes the change.
function Board:_signed(list, options)
  local signed = { by = self.by }
  for name, value in pairs(options or {}) do signed[name] = value end
  return add_pairs(list, signed)
end

function Board:_put(command, id, runner, payload, options)
  local arguments = self:_signed({ id, runner, self:_payload(payload) }, options)
  return as_seconds(self.commands:call(command, unpack(arguments)))
end

function Board:_describe(command, id)
  local text = self.commands:call(command, id)[1]
  if type(text) ~= 'string' then self:_missing("there is no job '" .. id .. "'") end
  return self:_decode(text)
end

function Board:_missing(what) fail('NOTFOUND', what .. " on the board '" .. self.name .. "'") end

--- Create a job, or update it. Options have the names of `jobs put --help`, with _ for -. Raises CONFLICT if the job's
--- etag is not `if_match`.
---@param id string
---@param runner string
---@param payload string|table
---@param options? table
---@return number?  its next run, in epoch seconds
function Board:put(id, runner, payload, options) return self:_put('JSET', id, runner, payload, options) end

--- Create a job. Raises EXISTS if the id is taken.
---@return number?
function Board:create(id, runner, payload, options) return self:_put('JSETNX', id, runner, payload, options) end

--- Change some options of a job, and keep the others: board:edit('report', { timeout = '20m', description = '' }).
---
--- `runner` and `payload` are options here. An empty value removes an option. With { if_match = job.etag }, the job is
--- changed only if it is as board:show('report') returned it: else CONFLICT is raised. Raises NOTFOUND.
---@param id string
---@param options table
---@return number?  its next run, in epoch seconds
function Board:edit(id, options)
  local changes = {}
  for name, value in pairs(options) do changes[name] = value end
  changes.payload = self:_payload(changes.payload)
  return as_seconds(self.commands:call('JEDIT', unpack(self:_signed({ id }, changes))))
end

--- Read a job: its options, `next` (epoch seconds), `state`, and `etag`, which changes take as `if_match`. Raises NOTFOUND.
---@param id string
---@return table
function Board:show(id)
  return self:_describe('JGET', id)
end

--- Remove jobs: board:remove('a', 'b'), or with options at the end, board:remove('a', { because = 'moved' }).
--- Options: because, by; for one job also if_match.
---@return integer  how many existed
function Board:remove(...)
  local ids = { ... }
  local options = type(ids[#ids]) == 'table' and table.remove(ids) or nil
  ids[#ids + 1] = '-'
  return self.commands:call('JDEL', unpack(self:_signed(ids, options)))
end

--- Stop scheduling a job, until a time if the options have `until` or `for`: board:pause('a', { ['for'] = '2h' }).
---@param id string
---@param options? table  until, for, if_match, because, by
---@return boolean  false if it was paused like this already
function Board:pause(id, options) return self.commands:call('JPAUSE', unpack(self:_signed({ id }, options))) == 1 end

--- Schedule a paused job again.
---@param id string
---@param options? table  if_match, because, by
---@return number?  its next run, in epoch seconds
function Board:resume(id, options) return as_seconds(self.commands:call('JRESUME', unpack(self:_signed({ id }, options)))) end

--- Return who changed what, newest first: board:changes({ job = 'tick', count = 5 }). See JCHANGES.
---@param filters? table  job, from, to, payload; count: how many (default: all)
---@return table[]
function Board:changes(filters)
  local found, options = {}, {}
  for name, value in pairs(filters or {}) do options[name] = value end
  repeat
    local page = self.commands:call('JCHANGES', unpack(add_pairs({}, options)))
    for _, text in ipairs(page[2]) do found[#found + 1] = self:_decode(text) end
    options.before = tostring(page[1])
    if options.count then options.count = filters.count - #found end
  until options.before == '0' or options.count == 0
  return found
end

--- Return the next runs of a job, or without an id, of a schedule: board:next(nil, { cron = '@daily', count = 3 }).
---@param id? string
---@param options? table  count, from, now; without an id also those of a schedule
---@return number[]  epoch seconds
function Board:next(id, options)
  local times = {}
  for i, ms in ipairs(self.commands:call('JNEXT', unpack(add_pairs({ id or '-' }, options)))) do
    times[i] = ms / 1000
  end
  return times
end

--- Return what a job with `after` waits for: after, on, join, met, parents (how they ended), missing, waiting (the run of
--- a job with a time that waits for them), followed_by. Raises NOTFOUND.
---@return table
function Board:when(id)
  return self:_describe('JWHEN', id)
end

--- Queue a one-off task, board:push('shell', 'date', { at = '+10m' }), or run a job now, board:push('tick').
---
--- With an idempotency_key, a push that is sent again within a day adds no task. With a traceparent, and maybe a tracestate,
--- the task belongs to that trace (W3C Trace Context).
---@param runner_or_job string
---@param payload? string|table
---@param options? table
---@return string  the task's id
function Board:push(runner_or_job, payload, options)
  local arguments = { runner_or_job }
  if payload == nil then return self.commands:call('JPUSH', unpack(self:_signed(arguments, options))) end
  arguments[2] = self:_payload(payload)
  return self.commands:call('JPUSH', unpack(add_pairs(arguments, options)))
end

--- Count what is on the board: jobs, scheduled, queued, held, delayed, leased, dead, and each queue:<name>.
---@return table<string, integer>
function Board:count() return as_map(self.commands:call('JCOUNT')) end

--- Look at the board as it is now. Returns its numbers, such as overdue, queued, leased, failing and ledger, with
--- running_tasks (task, job, since, until, worker …), waiting_queues (queue, length, oldest) and seen_workers.
---@param options? table  rows: how many of each to read at most (1 to 100)
---@return table
function Board:top(options)
  local reply = self.commands:call('JTOP', unpack(add_pairs({}, options)))
  local found = self:_decode(reply[1])
  found.running_tasks, found.waiting_queues = self:_decode_all(reply[2]), self:_decode_all(reply[3])
  found.seen_workers = self:_decode_all(reply[4])
  return found
end

--- Return the ledger of the board, or of a job.
---@param job? string
---@return table<string, integer>
function Board:stats(job)
  return as_map(self.commands:call('JSTATS', unpack(job and { 'job', job } or {})))
end

-- Call a command with a cursor until its end and collect all pages.
local function all_pages(call)
  local found, cursor = {}, '0'
  repeat
    local page = call(cursor)
    cursor = tostring(page[1])
    for _, item in ipairs(page[2]) do found[#found + 1] = item end
  until cursor == '0'
  return found
end

--- Return the ids of the jobs that meet all criteria: board:find({ label = 'team=payments', failing = 1 }).
---@param criteria? table  label, failing (how often in a row at least), late, running, paused, state, runner, text
---@return string[]
function Board:find(criteria)
  local found, seen = {}, {}
  local options = add_pairs({}, criteria)
  for _, id in ipairs(all_pages(function(cursor) return self.commands:call('JFIND', cursor, unpack(options)) end)) do
    if not seen[id] then found[#found + 1] = id end
    seen[id] = true
  end
  return found
end

--- Return how many jobs have each label: { ['team=payments'] = 12 }.
---@return table<string, integer>
function Board:labels() return as_map(self.commands:call('JLABELS')) end

--- Cancel a task by its id. Raises NOTFOUND.
---@param id string
---@param options? table  because, by
---@return 'cancelled'|'cancelling'  cancelling if it runs: its worker stops it
function Board:cancel(id, options)
  local done = all_pages(function(cursor)
    return self.commands:call('JCANCEL', unpack(self:_signed({ id, cursor }, options)))
  end)
  if #done == 0 then self:_missing("no task '" .. id .. "' is queued or running") end
  for _, state in ipairs(done) do
    if state == 'cancelling' then return state end
  end
  return 'cancelled'
end

--- Cancel all tasks of a job, or with labels: board:cancel_job(nil, { label = 'team=payments' }).
---@param job? string
---@param options? table  because, by; label, as put takes it: a task has the labels that its job had when it was queued
---@return integer cancelled, integer cancelling  cancelling: they run, and their workers stop them
function Board:cancel_job(job, options)
  local counts = { cancelled = 0, cancelling = 0 }
  local done = all_pages(function(cursor)
    return self.commands:call('JCANCEL', unpack(self:_signed({ '-', cursor, unpack(job and { 'job', job } or {}) }, options)))
  end)
  for _, state in ipairs(done) do counts[state] = counts[state] + 1 end
  return counts.cancelled, counts.cancelling
end

--- Queue the occurrences of a job in the past that have not run: board:backfill('report', '2026-11-01', '2026-12-01').
---@param id string
---@param from string|number  the beginning of the time
---@param to string|number  its end: occurrences before it, up to the job's next run
---@param options? table  concurrency (1), order ('earliest' or 'latest'), unknown (1), because, by, now
---@return string  the number of the backfill
function Board:backfill(id, from, to, options)
  return self.commands:call('JBACKFILL', unpack(self:_signed({ 'start', id, 'from', as_text(from), 'to', as_text(to) }, options)))
end

--- Cancel a backfill: queue nothing more, remove what is queued, and stop what is running. Raises NOTFOUND.
---@param number string
---@param options? table  because, by
function Board:cancel_backfill(number, options)
  self.commands:call('JBACKFILL', unpack(self:_signed({ 'cancel', number }, options)))
end

--- Return the backfills on the board, oldest first, or those with these numbers.
---@return table[]  id, job, state, from, to, occurrences, ran, unknown, total, left, running, done, dead, cancelled, …
function Board:backfills(...)
  local found = {}
  for i, text in ipairs(self.commands:call('JBACKFILLS', ...)) do found[i] = self:_decode(text) end
  return found
end

--- Put an alert: when one of its conditions is met, a task for the runner is queued.
-- board:put_alert('payments', 'notify', 'ops', { when = { 'failed 3', 'late 10m' }, ['for'] = 'team=payments', every = '4h' })
---@param name string
---@param runner string   the runner that tells somebody
---@param payload any     what it gets; its worker replaces {job}, {reason}, {text} and so on
---@param options table   when, for, every, recovery (true), quiet, zone, burst; options of its tasks; if_match, because, by, now
function Board:put_alert(name, runner, payload, options)
  local given = {}
  for option, value in pairs(options or {}) do given[option] = value end
  if type(given.recovery) == 'boolean' then given.recovery = given.recovery and 'yes' or 'no' end
  self.commands:call('JALERT', unpack(self:_signed({ 'put', name, runner, self:_payload(payload) }, given)))
end

--- Remove an alert. Tasks that it has queued stay.
---@param options? table  if_match, because, by
---@return boolean  whether it existed
function Board:remove_alert(name, options)
  return self.commands:call('JALERT', unpack(self:_signed({ 'remove', name, '-' }, options))) == 1
end

--- Queue a task of an alert, to see whether it reaches somebody. Raises NOTFOUND.
---@return string  the task's id
function Board:test_alert(name) return self.commands:call('JALERT', 'test', name) end

--- Return the alerts of the board, by name.
---@param options? table  job: only the alerts that are for this job, or for its queue
---@return table[]  name, when, for, runner, payload, every, recovery, quiet, zone, burst, queue, priority, options, owner; open,
--- told, and etag, which changes take as `if_match`
function Board:alerts(options)
  local found, after = {}, nil
  repeat
    local texts = self.commands:call('JALERTS', unpack(add_pairs({ '-' }, { job = (options or {}).job, after = after })))
    after = nil
    for i, text in ipairs(texts) do
      if text ~= '' then
        found[#found + 1] = self:_decode(text)
      else
        after = self:_decode(texts[i - 1]).name  -- there are more
      end
    end
  until not after
  return found
end

--- Return what alerts tell of now: one, or without a name all. Something may be there twice. Raises NOTFOUND.
---@return table[]  alert, kind, since, told, more, times; job, queue or task
function Board:open_incidents(name)
  return self:_decode_all(all_pages(function(cursor)
    if name then return self.commands:call('JALERTS', name, '-', 'open', cursor) end
    return self.commands:call('JALERTS', '-', 'open', cursor)
  end))
end

--- Return the occurrences of a job in the past.
---@param options? table  now
---@return { due: number, state: 'ran'|'missed'|'unknown' }[]  due in epoch seconds
function Board:occurrences(id, from, to, options)
  local flat = all_pages(function(cursor)
    local arguments = { id, 'from', as_text(from), 'to', as_text(to), 'cursor', cursor }
    return self.commands:call('JDUES', unpack(add_pairs(arguments, options)))
  end)
  local found = {}
  for i = 1, #flat, 2 do found[#found + 1] = { due = flat[i] / 1000, state = flat[i + 1] } end
  return found
end

--- Return the tasks that wait or run, or those in one state.
---@param filters? table  state, task, job, runner, queue, worker, label, older_than, payload
---@return table[]
function Board:tasks(filters)
  local texts = all_pages(function(cursor)
    return self.commands:call('JTASKS', cursor, unpack(add_pairs({}, filters)))
  end)
  for i, text in ipairs(texts) do texts[i] = self:_decode(text) end
  return texts
end

-- Decode each of a list of texts; nil stays nil, or what the client has for it.
function Board:_decode_all(texts)
  for i, text in ipairs(texts) do texts[i] = type(text) == 'string' and self:_decode(text) or text end
  return texts
end

--- Return the latest runs of a job, newest first: task, outcome, due, started, ended, attempts, worker, code, note, held;
--- or of occurrences without a run outcome (skipped, coalesced), due, through, count and reason. Raises NOTFOUND.
---@param job string
---@param options? table  count, task
---@return table[]
function Board:runs(job, options)
  return self:_decode_all(self.commands:call('JRUNS', job, unpack(add_pairs({}, options))))
end

--- Summarize the runs of jobs: runs, failures (in a row), last, last_done, median and p95 (seconds), first, dropped_through.
---@param ... string  the ids of jobs
---@return table<string, table>  by the job's id, for those that have run
function Board:summary(...)
  local found, ids, at = {}, { ... }, 1
  while at <= #ids do  -- a reply may end early
    local reply = self.commands:call('JSUMMARY', unpack(ids, at))
    for i = 1, math.max(1, #reply) do
      local summary = type(reply[i]) == 'string' and self:_decode(reply[i])
      if summary then found[summary.id] = summary end
    end
    at = at + math.max(1, #reply)
  end
  return found
end

--- Return what happened by the hour, oldest first: hour (epoch seconds), done, dead, cancelled, unleased, skipped …
---@param options? table  from
---@return table[]
function Board:hours(options) return self:_decode_all(self.commands:call('JHOURS', unpack(add_pairs({}, options)))) end

--- Return when nobody ticked (idle), and when Redis's clock went back (clock): what, from and to (epoch seconds).
---@param options? table  from, to
---@return table[]
function Board:gaps(options) return self:_decode_all(self.commands:call('JGAPS', unpack(add_pairs({}, options)))) end

--- Return what a task printed last, as JLOGS returns it, or nil if nothing is kept.
---@return string?
function Board:logs(task)
  return self.commands:call('JLOGS', task)[1] or nil
end

--- Limit a queue or a runner over all workers: board:limit('runner', 'http', { concurrency = 20, rate = '100/1m' }).
function Board:limit(kind, name, options) self.commands:call('JLIMIT', unpack(self:_signed({ kind, name }, options))) end

local SILENT = 30

-- Return the fields of a hash as a table: redis-lua returns one, others a flat list.
function Board:_hash(name)
  local commands = self.commands:_each()[1] -- workers report to all partitions
  local reply = commands:_invoke_or_raise('hgetall', commands.tag .. ':' .. name)
  return #reply > 0 and as_map(reply) or reply
end

--- Return the workers that have been seen lately: worker, state (serving, draining, silent or unknown), host, pid,
--- runners, queues, concurrency, running, ticks, started, drift and seen (epoch seconds), as far as they say so.
---@return table[]
function Board:workers()
  self:count() -- raises LAYOUT
  local present, found = self.commands:_each()[1]:_invoke_or_raise('time')[1], {}
  for name, text in pairs(self:_hash('workers')) do
    local ms, report = text:match('^(%d+) (.*)$')
    local worker = self:_decode(report)
    worker.worker, worker.seen = name, tonumber(ms) / 1000
    if present - worker.seen > SILENT then worker.state = worker.state and 'silent' or 'unknown' end
    worker.state, worker.queues = worker.state or 'serving', worker.queues or worker.runners
    worker.ticks = worker.ticks == 1
    found[#found + 1] = worker
  end
  table.sort(found, function(a, b) return a.worker < b.worker end)
  return found
end

--- Set how much the board keeps: board:retain({ dead_letters = 5000, expire_ended = '30d' }). `off` removes a bound.
---@return table<string, integer|string>  all bounds: durations in ms
function Board:retain(bounds) return as_map(self.commands:call('JRETAIN', unpack(self:_signed({}, bounds)))) end

--- Move due tasks to their queues.
---@return integer moved, number? wait  number of tasks, and seconds until the next one is due
function Board:tick(limit)
  local moved, due, present = unpack(self.commands:call('JTICK', 'limit', limit or 500))
  return moved, due > 0 and (due - present) / 1000 or nil
end

--- Report on a task: done, failed, cancelled, accepted, retry, release, dead or update. Raises STALE.
---@return string  the task's id
function Board:ack(token, verb, options)
  return self.commands:call('JACK', unpack(add_pairs({ token, verb or 'done' }, options)))
end

-- Policies: what follows a failure, as in the Python worker

local ATTEMPTS, BACKOFF, LONGEST = 3, 10, 3600

local function matches(code, patterns)
  for pattern in patterns:gmatch('[^,]+') do
    local lua = pattern:gsub('[%^%$%(%)%%%.%[%]%+%-]', '%%%0'):gsub('%*', '.*'):gsub('%?', '.')
    if code:find('^' .. lua .. '$') then return true end
  end
  return false
end

-- Return the seconds to wait after an attempt. `text` is `backoff` as JSET stores it, e.g. 'linear 10 jitter'.
local function backoff_delay(text, attempt)
  local words = {}
  for word in tostring(text or BACKOFF):gmatch('%S+') do words[#words + 1] = word end
  local scale = words[#words] == 'jitter' and math.random() or 1
  local growth = words[1]:find('^%a') and table.remove(words, 1) or 'exponential'
  if words[1]:find(',') then
    local delays = {}
    for delay in words[1]:gmatch('[^,]+') do delays[#delays + 1] = tonumber(delay) end
    return scale * delays[math.min(attempt, #delays)]
  end
  local first = tonumber(words[1])
  local longest = words[2] == 'max' and tonumber(words[3]) or math.max(LONGEST, first)
  local factor = growth == 'fixed' and 1 or growth == 'linear' and attempt or 2 ^ math.min(attempt - 1, 64)
  return scale * math.min(longest, first * factor)
end

--- Return the verb of JACK and the delay in seconds after a failed attempt.
---@param o table          the options of the task
---@param attempt integer  the attempt that failed
---@param code string      its code; lost for an attempt whose worker stopped responding
---@return 'retry'|'dead'|'failed' verb  failed: a policy of a plugin, which a worker with the plugin applies
---@return number? delay
function jobs.decide(o, attempt, code)
  local retries = o.attempts or o.backoff or o['retry-on'] or o['never-on']
  local policy = o.policy or (retries and 'retry' or 'ack')
  if policy == 'ack' then return code == 'lost' and 'retry' or 'dead' end
  if policy ~= 'retry' then return 'failed' end -- a plugin's policy: a worker with the plugin decides
  if attempt >= (o.attempts or ATTEMPTS) then return 'dead' end
  if o['never-on'] and matches(code, o['never-on']) then return 'dead' end
  if o['retry-on'] and not matches(code, o['retry-on']) then return 'dead' end
  return 'retry', backoff_delay(o.backoff, attempt)
end

-- Tasks

---@class jobs.Task
---@field id string       <job>@<due, ms>: the same for every attempt; use it as an idempotency key
---@field job string
---@field runner string
---@field queue string
---@field due number      epoch seconds
---@field attempt integer
---@field payload string
---@field options table
---@field parents table[] how the tasks ended that this one ran after: job, task, outcome, code, note, data
---@field token string    proves the lease; '' without one
---@field reported boolean
local Task = {}
Task.__index = Task

local function new_task(board, fields)
  local task = as_map(fields)
  task.due, task.board, task.reported = task.due / 1000, board, task.token == ''
  task.options = task.options ~= '' and board:_decode(task.options) or {}
  task.parents, task.options.parents = task.options.parents or {}, nil
  return setmetatable(task, Task)
end

-- Report on a task, unless it has no lease.
local function report(task, verb, options)
  task.reported = true
  local fields = {}
  for name, value in pairs(options or {}) do fields[name] = value end
  if type(fields.data) == 'table' then fields.data = task.board:_json().encode(fields.data) end
  if task.token ~= '' then return task.board:ack(task.token, verb, fields) end
end

--- Report success. Options: note, code, data (a table, or a JSON object).
function Task:done(options) return report(self, 'done', options) end

--- Report a failure; the policy decides what follows. Options: note, code.
function Task:failed(options)
  options = options or {}
  local verb, delay = jobs.decide(self.options, self.attempt, as_text(options.code or ''))
  return report(self, verb, { note = options.note, code = options.code, delay = delay })
end

--- Report a failure and retry after a delay. Options: delay (seconds), note, code.
function Task:retry(options) return report(self, 'retry', options) end

--- Report a failure and give up. Options: note, code.
function Task:dead(options) return report(self, 'dead', options) end

--- Return the task to its queue; the attempt does not count. Options: delay (seconds).
function Task:release(options) return report(self, 'release', options) end

--- Leave the task open until its token is acknowledged. Options: timeout (seconds), note, progress.
function Task:accepted(options) return report(self, 'accepted', options) end

--- Report progress. Options: progress (0 to 100), note.
function Task:update(options) return self.board:ack(self.token, 'update', options) end

--- Extend the lease to `lease` seconds from now.
---@return 'leased'|'lost'|'cancelling'  lost: stop working on it; cancelling: stop, the task is being cancelled
function Task:beat(lease)
  local reply = self.board.commands:call('JBEAT', lease, self.token)[1]
  return reply == 1 and 'leased' or reply == 2 and 'cancelling' or 'lost'
end

-- Decide on an earlier attempt that no policy has seen. Returns whether this attempt may begin.
local function may_begin(task)
  local status, code = task.history:match('([^\t]*)$'):match('^(%S+)%? %S+ %S+ (%S+)')
  if not status then return true end
  local verb, delay = jobs.decide(task.options, task.attempt - 1, code == '-' and '' or code)
  if verb == 'retry' and (delay or 0) == 0 then return true end
  if verb == 'failed' then
    report(task, 'release', { delay = 1 }) -- leave it to a worker with the policy
  else
    report(task, verb, { delay = delay, unstarted = 1 })
  end
  return false
end

-- Queues

---@class jobs.Queue
local Queue = {}
Queue.__index = Queue

local REPORT_EVERY = 10 -- seconds

--- Return a queue of the board. Options: lease (seconds, default 30), worker (a name).
---@return jobs.Queue
function Board:queue(name, options)
  options = options or {}
  local worker = options.worker or 'lua-' .. tostring({}):match('0x(%w+)')
  return setmetatable({ board = self, name = name, lease = options.lease or 30, worker = worker }, Queue)
end

--- Take up to `count` tasks (default 1), each under a lease.
---@return jobs.Task[]
function Queue:pop(count)
  local found = self.board.commands:call('JPOP', 1, self.name, 'count', count or 1, 'lease', self.lease,
    'worker', self.worker)
  local tasks = {}
  for i, fields in ipairs(found) do tasks[i] = new_task(self.board, fields) end
  return tasks
end

-- Run a function for a task and report the result, unless the function did.
local function run(task, handle)
  local ok, result = pcall(handle, task.payload, task)
  if task.reported then return end
  local reported, problem = pcall(function()
    if ok then
      task:done({ note = type(result) == 'string' and result or nil })
    else
      local problem = type(result) == 'table' and result or { note = tostring(result) }
      task:failed({ note = problem.note or problem.message, code = problem.code or 'error' })
    end
  end)
  -- Ignore a stale token: another attempt has the task.
  if not reported and not jobs.is_error(problem, 'STALE') then error(problem, 0) end
end

--- Run a function for each task, `function(payload, task) … end`. It may return a note; an error is a failure.
--- It must finish within the lease, or call task:beat to extend it.
---@param handle fun(payload: string, task: jobs.Task): string?
---@param options? table  tick: also tick, for boards without other workers; patience: seconds per wait (default 5);
---  stop: a function that returns true to end
function Queue:work(handle, options)
  options = options or {}
  local stop = options.stop or function() return false end
  local seen = 0
  while not stop() do
    if os.time() - seen >= REPORT_EVERY then
      seen = os.time()
      self:_report('serving', options)
    end
    local tasks, wait = self:pop(), nil
    if #tasks == 0 and options.tick then
      local moved
      moved, wait = self.board:tick()
      if moved > 0 then tasks = self:pop() end
    end
    if #tasks == 0 then
      self:_sleep(math.min(options.patience or 5, wait or math.huge))
    elseif may_begin(tasks[1]) then
      run(tasks[1], handle)
    end
  end
  self:_report('ended', options)
end

-- Report that this worker lives, or that it ends.
function Queue:_report(state, options)
  self.board.commands:call('JREGISTER', self.worker, self.name, '--', 'state', state, 'concurrency', 1,
    'ticks', options.tick and 1 or 0)
end

-- Seconds that a worker blocks on one of several nodes.
local BESIDE_OTHERS = 0.2

-- Wait for a task, for at most `seconds`. Partitions of other nodes have their turn the next time.
function Queue:_sleep(seconds)
  if seconds <= 0 then return end
  local parts, keys = self.board.commands:_each(), {}
  self.turn = (self.turn or 0) % #parts + 1
  local commands = parts[self.turn]
  for _, part in ipairs(parts) do
    if part.client == commands.client then keys[#keys + 1] = part.tag .. ':wake:' .. self.name end
  end
  keys[#keys + 1] = as_text(#keys < #parts and math.min(seconds, BESIDE_OTHERS) or seconds)
  commands:_invoke_or_raise('blpop', unpack(keys))
end

return jobs
