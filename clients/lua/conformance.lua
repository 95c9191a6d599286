-- Runs clients/conformance.json, the cases that every client of Jobs must pass, with this client over redis-lua.
--
--     lua conformance.lua unix:///run/redis.sock                   # with FCALL
--     lua conformance.lua unix:///run/redis.sock --evalsha jobs    # with EVALSHA, and the scripts of the board `jobs`
--     lua conformance.lua unix:///run/redis.sock --partitions 4    # on boards of four partitions
--
-- `jobs init` loads both on a server. Prints TAP, and exits with 1 if a case fails.

local folder = arg[0]:match('^(.*)/') or '.'
package.path = folder .. '/?.lua;' .. package.path

local redis, cjson, jobs = require 'redis', require 'cjson', require 'jobs'

local url = arg[1]
local given = {}
for i = 2, #arg, 2 do given[arg[i]] = arg[i + 1] or 'jobs' end
local scripts_from = given['--evalsha']
local partitions = tonumber(given['--partitions'] or 0)

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
  for _, kind in ipairs { 'error', 'map', 'json', 'save', 'like' } do
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
  save = function(runner, expected, name, reply)
    runner.saved[name] = reply
    return type(reply) == 'string' and (not expected.like or runner:is_like(expected.like, reply))
  end,
  like = function(runner, _, text, reply) return type(reply) == 'string' and runner:is_like(text, reply) end,
}

-- Whether a reply is a text, in which <1> is the board's number in place of 1.
function CaseRunner:is_like(text, reply)
  local pattern = text:gsub('[%^%$%(%)%%%.%[%]%*%+%-%?]', '%%%0'):gsub('<%d+>', '(%%d+)')
  local found = { reply:match('^' .. pattern .. '$') }
  if #found == 0 then return false end
  for number in text:gmatch('<(%d+)>') do
    local expected = #self.tags == 1 and number or self.numbers[number] or found[1]
    if table.remove(found, 1) ~= expected then return false end
    self.numbers[number] = expected
  end
  return true
end

-- Whether two JSON values are equal. One that is to be saved is any string.
function CaseRunner:same(expected, found)
  if expected == cjson.null then return found == nil or found == cjson.null end
  if type(expected) == 'table' and expected.save then return MATCHERS.save(self, expected, expected.save, found) end
  if type(expected) == 'table' and expected.like then return MATCHERS.like(self, expected, expected.like, found) end
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
  if reply == true then reply = 'OK' end -- redis-lua turns the status OK into true
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

-- Read what the board has, in each of its partitions.
function CaseRunner:read(step)
  local sum, same, some, first = 0, true, nil, nil
  for place, tag in ipairs(self.tags) do
    local words = {}
    for i, word in ipairs(step) do
      words[i] = word:gsub('{(%w+)}', function(name) return name == 'board' and tag or self.saved[name] end)
    end
    local reply = raw(unpack(words))
    if place == 1 then first = reply end
    same = same and cjson.encode { reply } == cjson.encode { first }
    sum = sum + (tonumber(reply) or 0)
    if reply and not (type(reply) == 'table' and #reply == 0) then some = reply end
  end
  if same then return first end
  return type(first) == 'number' and sum or some
end

-- Return the reply to one call.
function CaseRunner:reply_to(step, words)
  local commands = step.partition and self.commands:_each()[step.partition + 1] or self.commands
  local _, reply = pcall(commands.call, commands, step.command, unpack(words))
  return reply
end

-- Return the reply to a step, with all of its pages.
function CaseRunner:reply(step)
  if step.read then return self:read(step.read) end
  local words, cursor = {}, nil
  for i, word in ipairs(step.args) do
    words[i] = self:resolve(word)
    if not cursor and (word == '0' or word == '$cursor') then cursor = i end
  end
  local reply = self:reply_to(step, words)
  local expected = type(step.reply) == 'table' and step.reply or {}
  if expected[1] ~= '0' or type(expected[2]) ~= 'table' then return reply end
  while type(reply) == 'table' and reply[1] and tostring(reply[1]) ~= '0' do
    words[cursor] = reply[1]
    local following = self:reply_to(step, words)
    if not following[1] then return following end
    for _, item in ipairs(following[2]) do reply[2][#reply[2] + 1] = item end
    reply = { following[1], reply[2] }
  end
  return reply
end

function CaseRunner:run(steps)
  for number, step in ipairs(steps) do
    local reply = self:reply(step)
    local expected = step.error and step or step.reply
    if #self.tags > 1 and step['reply with partitions'] ~= nil then expected = step['reply with partitions'] end
    if not self:matches(expected, reply) then
      local shown = error_text(reply) ~= '' and error_text(reply) or type(reply) == 'table' and cjson.encode(reply) or reply
      return 'step ' .. number .. ', ' .. cjson.encode(step) .. ', returned ' .. tostring(shown)
    end
  end
end

-- Return a runner with an empty board of so many partitions. To call scripts, copy the SHAs from a board that has them.
local function new_case_runner(number, count)
  local name = 'conformance-lua-' .. number
  for _, key in ipairs(raw('KEYS', '{' .. name .. '[.}]*')) do raw('DEL', key) end
  local tags = {}
  for place = 0, count - 1 do
    tags[place + 1] = '{' .. name .. '.' .. place .. '}'
    raw('SET', tags[place + 1] .. ':layout', '5 ' .. place .. '/' .. count)
  end
  if count > 0 then raw('SET', '{' .. name .. '}:layout', '5 of ' .. count) else tags[1] = '{' .. name .. '}' end
  for _, tag in ipairs(scripts_from and tags or {}) do raw('COPY', '{' .. scripts_from .. '}:commands', tag .. ':commands') end
  local commands = jobs.commands(with_second_result(client), name, { scripts = scripts_from and true })
  return setmetatable({ commands = commands, tags = tags, saved = {}, numbers = {} }, CaseRunner)
end

local conformance = cjson.decode(read_file(folder .. '/../conformance.json'))
local cases, failed = conformance.cases, 0
print('1..' .. #cases + #conformance.policies)
for number, case in ipairs(cases) do
  local ok, problem = pcall(function() return new_case_runner(number, case.partitions or partitions):run(case.steps) end)
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
