-- Runs clients/conformance.json, the cases that every client of Jobs must pass, with this client over redis-lua.
--
--     lua conformance.lua unix:///run/redis.sock                   # with FCALL
--     lua conformance.lua unix:///run/redis.sock --evalsha jobs    # with EVALSHA, and the scripts of the board `jobs`
--
-- `jobs init` loads both on a server. Prints TAP, and exits with 1 if a case fails.

local folder = arg[0]:match('^(.*)/') or '.'
package.path = folder .. '/?.lua;' .. package.path

local redis, cjson, jobs = require 'redis', require 'cjson', require 'jobs'

local url = arg[1]
local scripts_from = arg[2] == '--evalsha' and (arg[3] or 'jobs')

-- redis-lua raises an error reply, even inside a list. Return it as a table instead.
local function connect()
  local client = redis.connect(url:find('^unix://') and { scheme = 'unix', path = url:sub(8) } or url)
  client.error = function(message)
    local text = message:match('redis error: (.*)')
    return text and { err = text } or error(message, 0)
  end
  return client
end

-- Return the client in the style of lua-resty-redis: an error that is the whole reply is a second result.
local function with_second_result(client)
  return setmetatable({}, {
    __index = function(_, method)
      if not client[method] then client:define_command(method) end
      return function(_, ...)
        local reply = client[method](client, ...)
        if type(reply) == 'table' and reply.err then return nil, reply.err end
        return reply
      end
    end,
  })
end

local client = connect()

local function read_file(path)
  local file = assert(io.open(path))
  local text = file:read('*a')
  file:close()
  return text
end

-- Call a Redis command. Returns the reply unchanged, where redis-lua would turn some into maps.
local function raw(name, ...)
  local reply = redis.command(name)(client, ...)
  if type(reply) == 'table' and reply.err then error(reply.err, 0) end
  return reply
end

local function error_text(reply)
  if jobs.is_error(reply) then return 'JOBS ' .. reply.code .. ' ' .. reply.message end
  return type(reply) == 'table' and reply.err or ''
end

local CaseRunner = {}
CaseRunner.__index = CaseRunner

function CaseRunner:resolve(value)
  local name = type(value) == 'string' and value:match('^%$(.+)$')
  return name and self.saved[name] or value
end

local function expected_kind(expected)
  for _, kind in ipairs { 'error', 'map', 'json', 'save' } do
    if expected[kind] ~= nil then return kind, expected[kind] end
  end
end

local MATCHERS = {
  error = function(_, expected, code, reply)
    local text = error_text(reply)
    return text:find('JOBS ' .. code .. ' ', 1, true) == 1 and text:find(expected.says or '', 1, true) ~= nil
  end,
  map = function(runner, _, fields, reply)
    local found = {}
    for i = 1, #reply, 2 do found[reply[i]] = reply[i + 1] end
    for name, value in pairs(fields) do
      if not runner:matches(value, found[name]) then return false end
    end
    return true
  end,
  json = function(runner, _, fields, reply)
    if type(reply) ~= 'string' then return false end
    local found = cjson.decode(reply)
    for name, value in pairs(fields) do
      if not runner:same(value, found[name]) then return false end
    end
    return true
  end,
  save = function(runner, _, name, reply)
    runner.saved[name] = reply
    return type(reply) == 'string'
  end,
}

-- Whether two JSON values are equal. One that is to be saved is any string.
function CaseRunner:same(expected, found)
  if expected == cjson.null then return found == nil or found == cjson.null end
  if type(expected) == 'table' and expected.save then return MATCHERS.save(self, expected, expected.save, found) end
  if type(expected) ~= 'table' or type(found) ~= 'table' then return self:resolve(expected) == found end
  for name, value in pairs(expected) do
    if not self:same(value, found[name]) then return false end
  end
  for name in pairs(found) do
    if expected[name] == nil then return false end
  end
  return true
end

function CaseRunner:matches(expected, reply)
  if expected == cjson.null then return not reply end
  if type(expected) ~= 'table' then return tostring(self:resolve(expected)) == tostring(reply) or
    (type(expected) == 'number' and tonumber(reply) == expected) end
  local kind, value = expected_kind(expected)
  if kind then return MATCHERS[kind](self, expected, value, reply) end
  if type(reply) ~= 'table' or #reply > #expected then return false end
  for i, item in ipairs(expected) do
    if not self:matches(item, reply[i]) then return false end
  end
  return true
end

function CaseRunner:reply(step)
  local words = {}
  if step.read then
    for i, word in ipairs(step.read) do words[i] = word:gsub('{board}', self.commands.tag) end
    return raw(unpack(words))
  end
  for i, word in ipairs(step.args) do words[i] = self:resolve(word) end
  local _, reply = pcall(self.commands.call, self.commands, step.command, unpack(words))
  return reply == true and 'OK' or reply -- redis-lua turns the status OK into true
end

function CaseRunner:run(steps)
  for number, step in ipairs(steps) do
    local reply = self:reply(step)
    if not self:matches(step.error and step or step.reply, reply) then
      local shown = error_text(reply) ~= '' and error_text(reply) or type(reply) == 'table' and cjson.encode(reply) or reply
      return 'step ' .. number .. ', ' .. cjson.encode(step) .. ', returned ' .. tostring(shown)
    end
  end
end

-- Return a runner with an empty board. To call scripts, copy the SHAs from a board that has them.
local function new_case_runner(number)
  local name = 'conformance-lua-' .. number
  for _, key in ipairs(raw('KEYS', '{' .. name .. '}:*')) do raw('DEL', key) end
  if scripts_from then raw('COPY', '{' .. scripts_from .. '}:commands', '{' .. name .. '}:commands') end
  local commands = jobs.commands(with_second_result(client), name, { scripts = scripts_from and true })
  return setmetatable({ commands = commands, saved = {} }, CaseRunner)
end

local conformance = cjson.decode(read_file(folder .. '/../conformance.json'))
local cases, failed = conformance.cases, 0
print('1..' .. #cases + #conformance.policies)
for number, case in ipairs(cases) do
  local ok, problem = pcall(function() return new_case_runner(number):run(case.steps) end)
  if not ok or problem then failed = failed + 1 end
  print((ok and not problem and 'ok ' or 'not ok ') .. number .. ' ' .. case.name)
  if problem then print('# ' .. tostring(type(problem) == 'table' and error_text(problem) or problem)) end
end

-- What jobs.decide gets wrong, or nil.
local function wrong_decision(case)
  local verb, delay = jobs.decide(case.options, case.attempt, case.code)
  local range = case.delay or 0
  local shortest, longest = range, range
  if type(range) == 'table' then shortest, longest = unpack(range) end
  delay = delay or 0
  if verb ~= case.verb or delay < shortest or delay > longest then return verb .. ' after ' .. delay end
end

for number, case in ipairs(conformance.policies) do
  local problem = wrong_decision(case)
  if problem then failed = failed + 1 end
  print((problem and 'not ok ' or 'ok ') .. #cases + number .. ' policy ' .. cjson.encode(case))
  if problem then print('# ' .. problem) end
end
os.exit(failed == 0 and 0 or 1)
