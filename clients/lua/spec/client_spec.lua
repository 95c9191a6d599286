-- The client against a real server. JOBS_TEST_SOCKET is its unix socket; it has the functions of Jobs, and the board
-- JOBS_TEST_BOARD the scripts in its `commands` hash.

local redis = require 'redis'
local jobs = require 'jobs'

local unpack = table.unpack or unpack -- luacheck: ignore

local T, LATER = 1700000000, 4000000000

local function connect()
  return redis.connect { scheme = 'unix', path = os.getenv('JOBS_TEST_SOCKET') }
end

-- A client that is called as lua-resty-redis is: failures are a second result, and nothing is ngx.null.
local function resty()
  local client, null = connect(), io.stdout
  return setmetatable({}, {
    __index = function(_, method)
      if not client[method] then client:define_command(method) end
      return function(_, ...)
        local ok, reply = pcall(client[method], client, ...)
        if not ok then return nil, tostring(reply):gsub('^.-redis error: ', '') end
        if reply == nil then return null end
        return reply
      end
    end,
  })
end

local number = 0

-- A board of its own for each test.
local function new_board(client, options)
  number = number + 1
  return jobs.board(client, 'lua-' .. os.time() .. '-' .. number, options)
end

-- Give a board the scripts of the one that was made ready.
local function publish(board)
  local commands = connect():hgetall('{' .. os.getenv('JOBS_TEST_BOARD') .. '}:commands')
  connect():hmset(board.commands.tag .. ':commands', commands)
  return board
end

-- Call a function while Redis has no functions at all.
local function without_functions(call)
  local client = connect()
  client:define_command('function')
  local library = client['function'](client, 'DUMP')
  client['function'](client, 'FLUSH')
  local ok, problem = pcall(call)
  client['function'](client, 'RESTORE', library, 'REPLACE')
  if not ok then error(problem, 0) end
end

local function refused(code, says, call)
  local ok, problem = pcall(call)
  assert.is_false(ok)
  assert.is_true(jobs.is_error(problem, code), tostring(problem))
  assert.truthy(tostring(problem):find(says, 1, true), tostring(problem))
end

-- Let the lease of a task expire, on a board whose clock has not stopped.
local function lose(board, task)
  board:tick()
  connect():zadd(board.commands.tag .. ':leased', 1, task.token)
  board:tick()
end

for style, client_of in pairs { ['redis-lua'] = connect, ['lua-resty-redis'] = resty } do
  describe('with ' .. style, function()
    local board

    before_each(function() board = new_board(client_of()) end)

    describe('commands', function()
      it('are called by name', function()
        assert.same({ T * 1000, T * 1000 + 5000 },
          board.commands:call('JNEXT', '-', 'every', 5, 'count', 2, 'now', T))
      end)

      it('raise what is refused, with its code', function()
        refused('OPTION', "every: expected a duration such as 90, 1h30m or PT1H30M, got 'soon'", function()
          board.commands:call('JSET', 'a', 'echo', 'x', 'every', 'soon')
        end)
      end)

      it('raise the option that an error is about', function()
        local _, problem = pcall(board.commands.call, board.commands, 'JSET', 'a', 'echo', 'x', 'retry-on', 'a b')
        assert.equal('retry-on', problem.option)
        _, problem = pcall(board.commands.call, board.commands, 'JGET')
        assert.is_nil(problem.option)
        _, problem = pcall(board.commands.call, board.commands, 'JSET', 'a', 'echo', ('x'):rep(2 ^ 20 + 1))
        assert.equal('payload', problem.option)
      end)

      it('write numbers with all their digits', function()
        board.commands:call('JSET', 'a', 'echo', 'x', 'at', 1700000000123 / 1000)
        assert.equal(1700000000.123, board:show('a').at)
      end)

      it('are functions, which need no hash of the board', function()
        board.commands._evaluate = function() error('a script was called') end
        assert.equal(0, board.commands:call('JSET', 'a', 'echo', 'x'))
        assert.equal(1, board:count().jobs)
      end)

      it('are the scripts of the board where Redis has lost its functions', function()
        publish(board)
        without_functions(function()
          assert.equal(0, board.commands:call('JSET', 'a', 'echo', 'x'))
          assert.equal(1, board:count().jobs)
          refused('NOTFOUND', "there is no job 'b'", function() board:pause('b') end)
        end)
        assert.equal(1, board:count().jobs)
      end)

      it('say what to do when there are neither', function()
        without_functions(function()
          refused('SERVER', 'does not have the functions of Jobs, or not JCOUNT: run `jobs init`', function()
            board:count()
          end)
        end)
      end)

      it('say what the client of Redis lacks', function()
        local bare = jobs.commands({ get = function() end, hget = function() end }, 'bare')
        refused('SERVER', 'the Redis client has no method fcall: update it', function() bare:call('JTICK') end)
      end)

      it('refuse a board of another layout', function()
        connect():set(board.commands.tag .. ':layout', '3')
        refused('LAYOUT', 'has layout 3', function() board:put('a', 'echo', 'x') end)
        assert.same({ board.commands.tag .. ':layout' }, connect():keys(board.commands.tag .. ':*'))
      end)

      it('help a board file into its place', function()
        local stage = board.commands:call('JAPPLY', 'begin')
        for n = 1, 250 do board.commands:call('JSTAGE', stage, 'board.yml', 'put', 3, 'j' .. n, 'echo', 'x') end
        board.commands:call('JAPPLY', 'commit', stage, 'board.yml')
        assert.equal(250, board:count().jobs)
      end)
    end)

    describe('scripts', function()
      before_each(function() board = publish(new_board(client_of(), { scripts = true })) end)

      it('are called by their SHAs, and no functions', function()
        without_functions(function()
          assert.equal(0, board.commands:call('JSET', 'a', 'echo', 'x'))
          assert.equal(1, board:count().jobs)
        end)
      end)

      it('are looked up again when Redis has new ones', function()
        board.commands.shas.JCOUNT = ('0'):rep(40)
        assert.equal(0, board:count().jobs)
      end)

      it('say what to do when Redis has lost them', function()
        local tag, says = board.commands.tag, 'does not have the scripts of Jobs, or not JCOUNT: run `jobs init`'
        connect():hset(tag .. ':commands', 'JCOUNT', ('0'):rep(40))
        refused('SERVER', says, function() board:count() end)
        connect():del(tag .. ':commands')
        board.commands.shas = {}
        refused('SERVER', says, function() board:count() end)
      end)
    end)

    describe('a board', function()
      it('puts, shows and removes jobs', function()
        local options = { every = 5, ['repeat'] = 10, start = LATER, retry_on = { '503', '5*' } }
        assert.equal(LATER, board:put('tick', 'echo', 'x', options))
        local job = board:show('tick')
        assert.same({ 5, 10, 10, '503,5*', 'scheduled' },
          { job.every, job['repeat'], job.left, job['retry-on'], job.state })
        assert.equal(1, board:remove('tick', 'nobody'))
        refused('NOTFOUND', "there is no job 'tick'", function() board:show('tick') end)
      end)

      it('takes payloads that are tables', function()
        board:put('a', 'http', { url = 'https://example.com' })
        assert.equal('{"url":"https:\\/\\/example.com"}', board:show('a').payload)
      end)

      it('creates only what is not there', function()
        assert.is_nil(board:create('a', 'echo', 'x'))
        refused('EXISTS', "the job 'a' already exists", function() board:create('a', 'echo', 'x') end)
      end)

      it('says who changes the board, and why', function()
        board.by = 'ann'
        board:put('a', 'echo', 'x', { every = 60, because = 'new' })
        board:edit('a', { every = 90 })
        board:pause('a', { ['for'] = '2h', because = 'moving' })
        assert.equal('moving', board:show('a')['paused-because'])
        board:resume('a', { by = 'bob' })
        board:cancel(board:push('a'), { because = 'wrong' })
        board:limit('queue', 'echo', { concurrency = 1 })
        board:retain({ workers = '2d' })
        board:remove('a', { because = 'over' })
        local found, found_for_job = board:changes(), board:changes({ job = 'a', count = 2 })
        local what, by, because = {}, {}, {}
        for i, change in ipairs(found) do what[i], by[i], because[i] = change.what, change.by, change.because or '-' end
        assert.equal('remove retain limit cancel push resume pause edit put', table.concat(what, ' '))
        assert.equal('ann ann ann ann ann bob ann ann ann', table.concat(by, ' '))
        assert.equal('over - - wrong - - moving - new', table.concat(because, ' '))
        assert.same({ 'remove', 'cancel' }, { found_for_job[1].what, found_for_job[2].what })
      end)

      it('changes a job only if it is as it was read', function()
        board:put('a', 'echo', 'x', { every = 5 })
        local etag = board:show('a').etag
        board:edit('a', { timeout = 9, if_match = etag })
        for _, change in ipairs({
          function() board:put('a', 'echo', 'y', { if_match = etag }) end,
          function() board:edit('a', { timeout = 8, if_match = etag }) end,
          function() board:pause('a', { if_match = etag }) end,
          function() board:resume('a', { if_match = etag }) end,
          function() board:remove('a', { if_match = etag }) end,
        }) do
          refused('CONFLICT', "the job 'a' has changed since you read it: read it again", change)
        end
        assert.equal(1, board:remove('a', { if_match = board:show('a').etag }))
      end)

      it('adds one task for a push that is sent twice', function()
        local id = board:push('echo', 'x', { idempotency_key = 'order-17' })
        assert.equal(id, board:push('echo', 'x', { idempotency_key = 'order-17' }))
        assert.equal(1, board:count().queued)
      end)

      it('pushes what belongs to a trace', function()
        board:put('a', 'echo', 'x', { timeout = 5 })
        board:push('a', nil, { traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', tracestate = 'a=1' })
        local options = board:queue('echo'):pop()[1].options
        assert.equal('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', options.traceparent)
        assert.same({ 'a=1', 5 }, { options.tracestate, options.timeout })
      end)

      it('pauses and resumes', function()
        board:put('a', 'echo', 'x', { every = 5, start = '+1h' })
        assert.is_true(board:pause('a'))
        assert.is_false(board:pause('a'))
        assert.equal('paused', board:show('a').state)
        assert.is_number(board:resume('a'))
      end)

      it('refuses true for a number, and a comma in an id', function()
        for _, case in ipairs({ { every = true }, { after = { 'p,q' } } }) do
          local ok, problem = pcall(board.put, board, 'a', 'echo', 'x', case)
          assert.is_false(ok)
          assert.is_true(jobs.is_error(problem, 'OPTION'))
          assert.equal(next(case), problem.option)
        end
      end)

      it('previews schedules', function()
        assert.same({ T, T + 60 }, board:next(nil, { minutes = 1, count = 2, now = T }))
        board:put('a', 'echo', 'x', { every = 5, start = LATER + 0.5 })
        assert.same({ LATER + 0.5 }, board:next('a'))
      end)

      it('says what runs after what', function()
        board:put('b', 'echo', 'x', { after = 'a,c', join = 'any' })
        assert.same({ 'a', 'c' }, board:when('b').after)
        refused('NOTFOUND', "there is no job 'a'", function() board:when('a') end)
      end)

      it('pushes, counts, cancels and lists', function()
        local id = board:push('echo', 'x', { at = '+1h' })
        assert.equal('push:1', id:match('^(.*)@'))
        board:put('a', 'echo', 'x')
        assert.equal('a', board:push('a'):match('^(.*)@'))
        assert.same({ 1, 1, 1 }, { board:count().jobs, board:count().delayed, board:count().queued })
        assert.equal(2, #board:tasks())
        assert.equal(id, board:tasks({ state = 'delayed' })[1].id)
        assert.equal('cancelled', board:cancel(id))
        refused('NOTFOUND', 'is queued or running', function() board:cancel(id) end)
        assert.equal(1, board:stats().cancelled)
        board:push('a')
        assert.same({ 2, 0 }, { board:cancel_job('a') })
        assert.equal(2, board:stats('a').cancelled)
      end)

      it('finds jobs by labels', function()
        board:put('a', 'echo', 'x', { label = { team = 'pay', tier = 1 } })
        board:put('b', 'echo', 'x', { label = { 'team=pay' } })
        board:put('c', 'echo', 'x', { label = 'team=ops' })
        assert.same({ 'a', 'b' }, board:find({ label = 'team=pay' }))
        assert.same({ 'a' }, board:find({ label = { team = 'pay', tier = 1 } }))
        assert.same({}, board:find({ label = 'team=pay', paused = true }))
        assert.same({ ['team=pay'] = 2, ['team=ops'] = 1, ['tier=1'] = 1 }, board:labels())
        board:push('a')
        board:push('c')
        assert.equal(1, #board:tasks({ label = 'team=pay' }))
        assert.same({ 1, 0 }, { board:cancel_job(nil, { label = { team = 'pay' } }) })
        assert.equal(1, #board:tasks())
        refused('OPTION', 'label: expected labels without commas', function()
          board:put('d', 'echo', 'x', { label = { team = 'a,tier=1' } })
        end)
      end)

      it('puts, lists, tests and removes alerts', function()
        board:put('a', 'echo', 'x')
        local options = { when = { 'failed', 'late 10m' }, ['for'] = 'a', recovery = true, every = '4h' }
        board:put_alert('ops', 'tell', { to = 'ops' }, options)
        local found = board:alerts()[1]
        assert.same({ 'ops', 'failed 1, late 10m', 'tell', true, 14400, 0 }, {
          found.name, found.when, found.runner, found.recovery, found.every, found.open,
        })
        assert.same({ 'a' }, found['for'])
        board:push('a')
        board:queue('echo'):pop()[1]:dead { code = '3' }
        local task = board:queue('tell'):pop()[1]
        assert.same({ 'failed', 'a', '3' }, { task.options.alert.kind, task.options.alert.job, task.options.alert.code })
        assert.equal(1, board:alerts()[1].open)
        local open = board:open_incidents('ops')[1]
        assert.same({ 'failed', 'a', 0, 1 }, { open.kind, open.job, open.more, open.times })
        assert.equal('ops', board:open_incidents()[1].alert)
        assert.same({}, board:alerts { job = 'b' })
        refused('CONFLICT', "the alert 'ops' has changed", function()
          board:put_alert('ops', 'tell', 'x', { when = 'dead', if_match = 'old' })
        end)
        board:put_alert('ops', 'tell', ('x'):rep(65536), { when = 'failed', ['for'] = 'a', if_match = found.etag })
        for i = 1, 12 do board:put_alert('big' .. i, 'tell', ('x'):rep(65536), { when = 'dead' }) end
        assert.equal(13, #board:alerts())
        for i = 1, 12 do board:remove_alert('big' .. i) end
        assert.truthy(board:test_alert('ops'):find('alert:ops@', 1, true))
        assert.is_true(board:remove_alert('ops', { because = 'moved' }))
        assert.is_false(board:remove_alert('ops'))
        assert.same({}, board:alerts())
        refused('NOTFOUND', "there is no alert 'ops'", function() board:test_alert('ops') end)
      end)

      it('ticks', function()
        board:put('a', 'echo', 'x', { every = '1h' })
        local moved, wait = board:tick()
        assert.equal(1, moved)
        assert.is_true(wait > 3590 and wait <= 3600)
      end)

      it('bounds what the board keeps', function()
        assert.equal(5, board:retain({ dead_letters = 5 })['dead-letters'])
        assert.equal('off', board:retain({ dead_letters = 'default' })['dead-age'])
      end)

      it('waits for the replicas of a durable board', function()
        board:put('a', 'echo', 'x', { every = '1h' })
        board:retain({ durable = 1 })
        local other = jobs.board(board.commands.client, board.commands.tag:sub(2, -2))
        other.commands.patience = 1
        refused('UNCONFIRMED', 'only 0 of 1 replicas have confirmed it', function() other:push('a') end)
        assert.equal(1, other:count().queued)
      end)

      it('lists workers', function()
        board.commands:call('JREGISTER', 'b', 'echo')
        board.commands:call('JREGISTER', 'a', 'echo', '--', 'queues', 'echo slow', 'state', 'draining', 'ticks', 1)
        board.commands:call('JREGISTER', 'c', 'echo', '--', 'state', 'serving', 'now', '1700000000')
        local states, queues = {}, {}
        for i, worker in ipairs(board:workers()) do
          states[i], queues[i] = worker.worker .. ' ' .. worker.state, table.concat(worker.queues, ',')
        end
        assert.same({ 'a draining', 'b serving', 'c silent' }, states)
        assert.same({ 'echo,slow', 'echo', 'echo' }, queues)
      end)

      it('limits', function()
        board:limit('runner', 'echo', { concurrency = 1 })
        board:push('echo', 'x')
        board:push('echo', 'x')
        assert.equal(1, #board:queue('echo'):pop(2))
      end)
    end)

    describe('a queue', function()
      local queue

      before_each(function() queue = board:queue('echo', { lease = 60, worker = 'lua' }) end)

      -- Work until nothing is left.
      local function drain(handle, options)
        options = options or {}
        options.stop = function()
          local count = board:count()
          return count.queued + count.delayed == 0
        end
        options.patience = 0.01
        queue:work(handle, options)
      end

      it('hands out tasks under leases', function()
        local id = board:push('echo', 'hello', { timeout = 5 })
        local task = queue:pop()[1]
        assert.is_nil(task.options.traceparent)
        assert.same({ id, 'hello', 1, 5, 'echo' },
          { task.id, task.payload, task.attempt, task.options.timeout, task.queue })
        assert.is_true(task.due > T)
        assert.equal('leased', task:beat(60))
        assert.equal(id, task:update { progress = 40, note = 'so far' })
        assert.equal(id, task:done { note = 'fine', code = '0' })
        assert.equal('lost', task:beat(60))
        refused('STALE', 'no longer holds its task', function() task:done() end)
        assert.equal(1, board:stats().done)
      end)

      it('keeps what a task has to say as JSON', function()
        board:push('echo', 'x')
        queue:pop()[1]:done { data = { pages = 3 } }
        board:push('echo', 'x')
        local task = queue:pop()[1]
        refused('OPTION', 'data: expected a JSON object', function() task:done { data = 'pages' } end)
      end)

      it('keeps what a task printed last', function()
        local id = board:push('echo', 'x')
        assert.is_nil(board:logs(id))
        queue:pop()[1]:done { tail = 'a1\nohello' }
        assert.equal('a1\nohello', board:logs(id))
      end)

      it('is told of a task to cancel', function()
        local id = board:push('echo', 'x')
        local task = queue:pop()[1]
        assert.equal('cancelling', board:cancel(id))
        assert.equal('cancelling', task:beat(60))
      end)

      it('works tasks off', function()
        for n = 1, 20 do board:push('echo', tostring(n)) end
        local seen = {}
        drain(function(payload, task)
          assert.equal('lua', board:tasks({ state = 'leased' })[1].worker)
          seen[#seen + 1] = payload
          return 'saw ' .. task.payload
        end)
        assert.equal(20, #seen)
        assert.truthy(board.client:hget('{' .. board.name .. '}:runners', 'echo'):find(' lua$'))
        assert.equal(20, board:stats().done)
      end)

      it('makes a failure a dead letter, unless the job says otherwise', function()
        board:push('echo', 'x')
        drain(function() error('no paper') end)
        assert.same({ 1, 0 }, { board:stats().dead, board:stats().retried })
        assert.truthy(board:tasks({ state = 'dead' })[1].history:find('no paper'))
      end)

      it('tries again as the job says', function()
        board:push('echo', 'x', { attempts = 3, backoff = '10ms' })
        local attempts = {}
        drain(function(_, task)
          attempts[#attempts + 1] = task.attempt
          error({ code = '503' })
        end, { tick = true })
        assert.same({ 1, 2, 3 }, attempts)
        assert.same({ 1, 2 }, { board:stats().dead, board:stats().retried })
      end)

      it('goes by the code of a failure', function()
        for _, options in ipairs { { retry_on = '5*' }, { never_on = '4?4' } } do
          options.backoff = '10ms'
          board:push('echo', 'x', options)
        end
        drain(function() error({ code = '404', note = 'not there' }) end)
        assert.same({ 2, 0 }, { board:stats().dead, board:stats().retried })
        assert.truthy(board:tasks({ state = 'dead' })[1].history:find('lua 404 not there', 1, true))
      end)

      it('leaves a report alone that the function made itself', function()
        board:push('echo', 'x')
        drain(function(_, task) task:dead { note = 'never' } end)
        assert.equal(1, board:stats().dead)
      end)

      it('minds no stale token', function()
        board:push('echo', 'x')
        drain(function(_, task) board:ack(task.token, 'done') end)
        assert.same({ 1, 1 }, { board:stats().done, board:stats().stale })
      end)

      it('decides about an attempt that was lost', function()
        board:push('echo', 'x', { attempts = 1 })
        lose(board, queue:pop()[1])
        local ran = false
        drain(function() ran = true end)
        assert.is_false(ran)
        assert.same({ 1, 1 }, { board:stats().lost, board:stats().dead })
      end)

      it('runs a lost task of the policy ack again', function()
        board:push('echo', 'x')
        lose(board, queue:pop()[1])
        drain(function() end)
        assert.same({ 1, 1 }, { board:stats().lost, board:stats().done })
      end)

      it('wakes when a task comes', function()
        board:push('echo', 'x')
        queue:_sleep(5)
        assert.equal(1, #queue:pop())
      end)
    end)
  end)
end

describe('without a library for JSON', function()
  it('says what is missing', function()
    local board = new_board(connect())
    board.commands.json = nil
    board:put('a', 'echo', 'x', { every = 5 })
    refused('OPTION', 'install lua-cjson or dkjson', function() board:show('a') end)
  end)

  it('takes one that it is given', function()
    local client = connect()
    local name = new_board(client).name
    local board = jobs.board(client, name, { json = { decode = function(text) return { text = text } end } })
    board:put('a', 'echo', 'x')
    assert.truthy(board:show('a').text:find('"id":"a"', 1, true))
  end)
end)

describe('a board with partitions', function()
  local board, client

  -- Give a new board so many partitions.
  local function partitioned(count, options, of)
    local name = new_board(connect()).name
    for number = 0, count - 1 do
      connect():set('{' .. name .. '.' .. number .. '}:layout', '5 ' .. number .. '/' .. count)
    end
    connect():set('{' .. name .. '}:layout', '5 of ' .. count)
    return jobs.board(of, name, options)
  end

  before_each(function()
    client = connect()
    board = partitioned(4, { by = 'ann@web-1' }, client)
  end)

  it('is one board for its callers', function()
    local ids = {}
    for n = 1, 12 do
      ids[n] = 'job-' .. n
      board:put(ids[n], 'echo', 'x', { every = 60, start = LATER, label = { team = 'ops' } })
    end
    table.sort(ids)
    assert.same({ 12, 12 }, { board:count().jobs, board:labels()['team=ops'] })
    local found = board:find { label = 'team=ops' }
    table.sort(found)
    assert.same(ids, found)
    assert.equal(12, #board:changes { count = 12 })
    assert.equal('job-7', board:show('job-7').id)
    assert.equal(2, board:remove('job-1', 'nobody', 'job-2', { because = 'moved' }))
    refused('NOTFOUND', 'nobody', function() board:show('nobody') end)
    assert.same({ 10, 12 }, { board:top().jobs, #board:changes { to = os.time() + 1, count = 12 } })
    for number = 0, 3 do
      assert.is_true(board.commands.parts[number]:call('JCOUNT')[2] < 12)
    end
  end)

  it('pages through changes, newest first', function()
    for n = 1, 20 do board:put('job-' .. n, 'echo', 'x') end
    local seen, last = {}, math.huge
    local before
    repeat
      local page = board.commands:call('JCHANGES', 'count', 3, unpack(before and { 'before', before } or {}))
      before = page[1]
      for _, text in ipairs(page[2]) do
        local change = require('cjson').decode(text)
        assert.is_true(change.time <= last)
        last, seen[change.job] = change.time, true
      end
    until before == '0'
    for n = 1, 20 do assert.is_true(seen['job-' .. n]) end
  end)

  it('is worked off by one worker', function()
    for n = 1, 20 do board:push('echo', tostring(n)) end
    board:put('due', 'echo', 'due', { at = T })
    local seen, count = {}, 0
    local queue = board:queue('echo', { worker = 'lua' })
    queue:work(function(payload) seen[payload], count = true, count + 1 end, {
      tick = true, stop = function() return count >= 21 end,
    })
    assert.same({ 21, 0 }, { board:stats().done, board:stats().in_flight })
    assert.is_true(seen['20'] and seen.due)
    assert.same({}, board:workers())
  end)

  it('reports progress, output and cancellation', function()
    local id = board:push('echo', 'x', { keep = '1h' })
    local task = board:queue('echo', { worker = 'lua' }):pop()[1]
    assert.equal(id, task.id)
    task:update { progress = 50 }
    assert.equal(50, board:tasks({ task = id })[1].progress)
    assert.equal('cancelling', board:cancel(id))
    assert.equal('cancelling', task:beat(60))
    board.commands:call('JOUTPUT', task.token, 'stdout', 'hello')
    task:done { tail = 'a1\nohello' }
    assert.equal('a1\nohello', board:logs(id))
  end)

  it('wakes when a task comes to any partition', function()
    board:push('echo', 'x')
    local queue = board:queue('echo')
    queue:_sleep(5)
    assert.equal(1, #queue:pop())
  end)

  it('is found when it is made after the client', function()
    local late = new_board(client)
    assert.equal(0, late:count().jobs)
    client:set('{' .. late.name .. '.0}:layout', '5 0/1')
    client:set('{' .. late.name .. '}:layout', '5 of 1')
    late:put('a', 'echo', 'x')
    assert.equal(1, client:hlen('{' .. late.name .. '.0}:job'))
  end)

  it('may be in a cluster, with a client for each partition', function()
    local asked = 0
    board = partitioned(3, {
      connect = function(key)
        assert.truthy(key:find('^{.+}$'))
        asked = asked + 1
        return connect()
      end,
    })
    for n = 1, 9 do board:push('echo', tostring(n)) end
    assert.equal(9, board:count().queued)
    assert.equal(4, asked)
    local queue = board:queue('echo')
    for _ = 1, 3 do queue:_sleep(1) end
    assert.equal(9, #queue:pop(9))
  end)

  it('connects again when a slot has moved', function()
    local moved, connections = true, 0
    board = partitioned(1, {
      connect = function(key)
        connections = connections + 1
        local found = connect()
        return setmetatable({}, {
          __index = function(_, method)
            if not found[method] then found:define_command(method) end
            return function(_, ...)
              if method == 'fcall' and moved and key:find('.0}', 1, true) then
                moved = false
                return nil, 'MOVED 7 127.0.0.1:7001'
              end
              return found[method](found, ...)
            end
          end,
        })
      end,
    })
    board:put('a', 'echo', 'x')
    assert.same({ 3, 1 }, { connections, board:count().jobs })
  end)
end)
