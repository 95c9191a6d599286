--- Routes the commands of a board with partitions: which partition has what, and how replies are combined.
--
-- A part of the client of Jobs, which needs it for such boards only. docs/reference/clients.md has the rules.

local unpack = table.unpack or unpack -- luacheck: ignore

local partitions = {}

-- Places

local function xor(a, b)
  local found, value = 0, 1
  while a > 0 or b > 0 do
    if a % 2 ~= b % 2 then found = found + value end
    a, b, value = math.floor(a / 2), math.floor(b / 2), value * 2
  end
  return found
end

-- The remainder of each byte, divided by the polynomial 0x1021: { high byte, low byte }.
local remainders = {}
for byte = 0, 255 do
  local rest = byte * 256
  for _ = 1, 8 do
    rest = rest * 2
    if rest >= 65536 then rest = xor(rest - 65536, 0x1021) end
  end
  remainders[byte] = { math.floor(rest / 256), rest % 256 }
end

--- Return the CRC16 of a text, as Redis computes it: from 0 to 65535.
---@param text string
---@return integer
function partitions.crc16(text)
  local high, low = 0, 0
  for i = 1, #text do
    local rest = remainders[xor(high, text:byte(i))]
    high, low = xor(low, rest[1]), rest[2]
  end
  return high * 256 + low
end

---@class jobs.Spread
---@field count integer  how many partitions the board has
---@field parts table    their commands, from 0
local Spread = {}
Spread.__index = Spread

--- Return the partitions of a board, for callers who see one board.
---@param parts table  the commands of each partition, from 0 to count - 1
---@param count integer
---@param tools { fail: function, decode: function, encode: function }  what raises errors, and reads and writes JSON
---@return jobs.Spread
function partitions.spread(parts, count, tools)
  local fields = { parts = parts, count = count, turns = math.random(0, count - 1) }
  for name, tool in pairs(tools) do fields[name] = tool end
  return setmetatable(fields, Spread)
end

-- Return a partition for what may be in any: they take turns.
function Spread:turn()
  self.turns = (self.turns + 1) % self.count
  return self.turns
end

-- Return the partition of an alert or of a key that a caller chose.
function Spread:of_name(name) return partitions.crc16(name) % self.count end

-- Return the partition that gave something its number, such as a backfill.
function Spread:of_number(number) return number:find('^%d+$') and tonumber(number) % self.count or 0 end

-- Return the partition of a job. The one-off task push:7@… counts as a job named push:7.
function Spread:of_job(id)
  local pushed = id:match('^push:(%d+)$')
  return pushed and self:of_number(pushed) or self:of_name(id)
end

function Spread:of_task(id)
  local job, rest = id:match('^(.*)@%d+(.*)$')
  if not job or not (rest == '' or rest:find('^%-f?%d*$')) then return self:of_job(id) end
  if job:find('^alert:') then return self:of_number(rest:match('%d*$')) end
  return self:of_job(job)
end

-- Return the partition of a task by its token or ticket.
function Spread:of_token(token) return self:of_task(token:match('^(.*)#%d+$') or token) end

-- Lists and options

local function joined(...)
  local found = {}
  for _, list in ipairs { ... } do
    for _, item in ipairs(list) do found[#found + 1] = item end
  end
  return found
end

local function part_of(list, first, last)
  return { unpack(list, first, last or #list) }
end

-- Split words before a mark, such as the dash between names and options.
local function split_at(words, mark)
  for i, word in ipairs(words) do
    if word == mark then return part_of(words, 1, i - 1), part_of(words, i) end
  end
  return words, {}
end

-- Return the value of an option among the pairs of name and value from a place on.
local function option(words, first, name)
  local found
  for i = first, #words - 1, 2 do
    if words[i] == name then found = words[i + 1] end
  end
  return found
end

local function without(words, first, name)
  local found = {}
  for i = first, #words, 2 do
    if words[i] ~= name then found[#found + 1], found[#found + 2] = words[i], words[i + 1] end
  end
  return found
end

local function whole(text) return text and text:find('^%d+$') and tonumber(text) or nil end

-- Split groups of words, each after its number of words. Returns nil if a number is wrong.
local function word_groups(words)
  local found, at = {}, 1
  while at <= #words do
    local number = whole(words[at])
    if not number or number == 0 or at + number > #words then return nil end
    found[#found + 1] = part_of(words, at + 1, at + number)
    at = at + 1 + number
  end
  return found
end

-- Calls of several partitions

function Spread:ask(place, name, words) return self.parts[place]:call_here(name, words) end

function Spread:ask_all(name, words)
  local replies = {}
  for place = 0, self.count - 1 do replies[place + 1] = self:ask(place, name, words) end
  return replies
end

-- Call the partition of each item: place_of(item) finds it, and call(place, items) asks it. Returns { numbers, reply, error }
-- of each.
function Spread:grouped(items, place_of, call)
  local groups, by_place = {}, {}
  for number, item in ipairs(items) do
    local place = place_of(self, item)
    if not by_place[place] then
      by_place[place] = { place = place, numbers = {}, items = {} }
      groups[#groups + 1] = by_place[place]
    end
    local group = by_place[place]
    group.numbers[#group.numbers + 1], group.items[#group.items + 1] = number, item
  end
  for _, group in ipairs(groups) do
    local ok, reply = pcall(call, group.place, group.items)
    if ok then group.reply = reply else group.problem = reply end
  end
  return groups
end

-- Return the items of replies in the order of what was asked. Raises the error of a group.
local function in_order(groups)
  local found = {}
  for _, group in ipairs(groups) do
    if group.problem then error(group.problem, 0) end
    for i, number in ipairs(group.numbers) do found[number] = group.reply[i] end
  end
  return found
end

-- Return the highest index of a list that may have holes.
local function length(list)
  local found = 0
  for i in pairs(list) do found = math.max(found, i) end
  return found
end

-- Merges

local function first_of(replies) return replies[1] end

local function largest(replies)
  local found = replies[1]
  for _, reply in ipairs(replies) do
    if reply > found then found = reply end
  end
  return found
end

local function smallest(replies)
  local found = replies[1]
  for _, reply in ipairs(replies) do
    if reply < found then found = reply end
  end
  return found
end

local function chain(replies) return joined(unpack(replies)) end

-- Add up name and number pairs.
local function add_up(replies)
  local found, place = {}, {}
  for _, reply in ipairs(replies) do
    for i = 1, #reply, 2 do
      local at = place[reply[i]]
      if not at then
        at = #found + 2
        place[reply[i]], found[at - 1], found[at] = at, reply[i], 0
      end
      found[at] = found[at] + reply[i + 1]
    end
  end
  return found
end

local function sorted_pairs(flat)
  local names, number = {}, {}
  for i = 1, #flat, 2 do names[#names + 1], number[flat[i]] = flat[i], flat[i + 1] end
  table.sort(names)
  local found = {}
  for _, name in ipairs(names) do found[#found + 1], found[#found + 2] = name, number[name] end
  return found
end

-- Add up the counts of each hour.
local function hours(spread, replies)
  local totals, order, found = {}, {}, {}
  for _, text in ipairs(chain(replies)) do
    local counts = spread.decode(text)
    local total = totals[counts.hour]
    if not total then
      total, order[#order + 1] = { hour = counts.hour }, counts.hour
      totals[counts.hour] = total
    end
    for name, count in pairs(counts) do
      if name ~= 'hour' then total[name] = (total[name] or 0) + count end
    end
  end
  table.sort(order)
  for i, hour in ipairs(order) do found[i] = spread.encode(totals[hour]) end
  return found
end

-- Return texts by a number in their JSON. Those that are equal are one.
local function by_number(spread, texts, name)
  local found, number = {}, {}
  for _, text in ipairs(texts) do
    if not number[text] then number[text], found[#found + 1] = spread.decode(text)[name], text end
  end
  table.sort(found, function(a, b)
    if number[a] ~= number[b] then return number[a] < number[b] end
    return a < b
  end)
  return found
end

local function gaps(spread, replies) return by_number(spread, chain(replies), 'from') end

-- Share out how many tasks to keep, in proportion to how many there are.
local function shares(lengths, keep)
  local total, found, given, order = 0, {}, 0, {}
  for _, one in ipairs(lengths) do total = total + one end
  if total <= keep then return lengths end
  for i, one in ipairs(lengths) do
    found[i], order[i] = math.floor(one * keep / total), i
    given = given + found[i]
  end
  local function rest(i) return lengths[i] * keep / total - found[i] end
  local rests = {}
  for i in ipairs(lengths) do rests[i] = rest(i) end
  table.sort(order, function(a, b)
    if rests[a] ~= rests[b] then return rests[a] > rests[b] end
    return a < b
  end)
  for i = 1, keep - given do found[order[i]] = found[order[i]] + 1 end
  return found
end

-- What is the same in all partitions: the largest counts. Other numbers of JTOP add up.
local SAME = { time = true, ticked = true, queues = true, workers = true }

local function top_board(boards, queues, workers)
  local found = { ledger = {} }
  for _, board in ipairs(boards) do
    for name, value in pairs(board) do
      local known = found[name]
      if name == 'ledger' then
        for word, count in pairs(value) do found.ledger[word] = (found.ledger[word] or 0) + count end
      elseif known == nil or type(value) ~= 'number' then
        found[name] = value
      elseif name == 'overdue_since' then
        found[name] = math.min(known, value)
      else
        found[name] = SAME[name] and math.max(known, value) or known + value
      end
    end
  end
  found.queues, found.workers = math.max(found.queues, queues), math.max(found.workers, workers)
  return found
end

-- Add up the parts of each queue. The longest comes first.
local function top_queues(spread, texts)
  local found, by_name = {}, {}
  for _, text in ipairs(texts) do
    local part = spread.decode(text)
    local queue = by_name[part.queue]
    if not queue then
      by_name[part.queue], found[#found + 1] = part, part
    else
      queue.length = queue.length + part.length
      queue.oldest = queue.oldest and part.oldest and math.min(queue.oldest, part.oldest) or queue.oldest or part.oldest
    end
  end
  table.sort(found, function(a, b)
    if a.length ~= b.length then return a.length > b.length end
    return a.queue < b.queue
  end)
  return found
end

-- Return each worker once: as it was seen last, with what it runs in all partitions.
local function top_workers(spread, texts)
  local found, by_name, running = {}, {}, {}
  for _, text in ipairs(texts) do
    local worker = spread.decode(text)
    local name = worker.worker
    running[name] = (running[name] or 0) + (worker.running or 0)
    if not by_name[name] then
      found[#found + 1], by_name[name] = name, worker
    elseif by_name[name].seen < worker.seen then
      by_name[name] = worker
    end
  end
  for i, name in ipairs(found) do
    found[i] = by_name[name]
    if found[i].running then found[i].running = running[name] end
  end
  return found
end

local function top(spread, replies, rows)
  local boards, tasks, queues, workers = {}, {}, {}, {}
  for i, reply in ipairs(replies) do
    boards[i] = spread.decode(reply[1])
    tasks, queues, workers = joined(tasks, reply[2]), joined(queues, reply[3]), joined(workers, reply[4])
  end
  queues, workers = top_queues(spread, queues), top_workers(spread, workers)
  local function encoded(list)
    local found = {}
    for i = 1, math.min(rows, #list) do found[i] = spread.encode(list[i]) end
    return found
  end
  return {
    spread.encode(top_board(boards, #queues, #workers)), part_of(by_number(spread, tasks, 'until'), 1, rows),
    encoded(queues), encoded(workers),
  }
end

-- Rules: rule(spread, name, words) makes the calls of a command, and returns its reply.

local function by_job(spread, name, words) return spread:ask(spread:of_job(words[1] or ''), name, words) end

local function by_token(spread, name, words) return spread:ask(spread:of_token(words[1] or ''), name, words) end

local function by_first(spread, name, words) return spread:ask(0, name, words) end

local function by_all(merge)
  return function(spread, name, words) return merge(spread:ask_all(name, words)) end
end

-- Each of the ids, up to a mark, is in its partition. The reply has an item for each; one of a partition may end early.
local function by_ids(place_of, head, mark)
  return function(spread, name, words)
    local before = part_of(words, 1, head or 0)
    local ids, rest = split_at(part_of(words, #before + 1), mark or '-')
    if #ids == 0 then return spread:ask(0, name, words) end
    return in_order(spread:grouped(ids, place_of, function(place, some)
      local found, at = {}, 1
      while at <= #some do
        local reply = spread:ask(place, name, joined(before, part_of(some, at), rest))
        for i = 1, length(reply) do found[at + i - 1] = reply[i] end
        at = at + math.max(1, length(reply))
      end
      return found
    end))
  end
end

-- Each of the ids is in its partition, and the reply says how many were concerned.
local function count_each(place_of, head)
  return function(spread, name, words)
    local before = part_of(words, 1, head)
    local ids, rest = split_at(part_of(words, head + 1), '-')
    if #ids == 0 or #ids > 1 and option(rest, 2, 'if-match') then return spread:ask(0, name, words), {} end
    local count, groups = 0, spread:grouped(ids, place_of, function(place, some)
      return spread:ask(place, name, joined(before, some, rest))
    end)
    for _, group in ipairs(groups) do
      if group.problem then error(group.problem, 0) end
      count = count + group.reply
    end
    return count, groups
  end
end

-- Groups of words, after the words that `head` counts, are each for the partition of their first word. The reply has an item
-- for each, which is the error of a partition where there is one.
local function by_groups(head, place_of)
  return function(spread, name, words)
    local before = part_of(words, 1, head(words))
    local items = word_groups(part_of(words, #before + 1))
    if not items or #items == 0 then return spread:ask(0, name, words) end
    local failed, groups = 0, spread:grouped(items, function(_, item) return place_of(spread, item[1], item) end,
      function(place, some)
        local call = joined(before)
        for _, item in ipairs(some) do call = joined(call, { string.format('%d', #item) }, item) end
        return spread:ask(place, name, call)
      end)
    for _, group in ipairs(groups) do
      if group.problem then failed = failed + 1 end
    end
    if failed == #groups then error(groups[1].problem, 0) end
    for _, group in ipairs(groups) do
      if group.problem then
        group.reply = {}
        for i in ipairs(group.numbers) do group.reply[i] = group.problem end
        group.problem = nil
      end
    end
    return in_order(groups)
  end
end

-- Read one partition after the other. A cursor that goes on begins with the partition, as in 3:0.
function Spread:paged(name, before, cursor, after)
  local place, own = cursor:match('^(%d+):(.*)$')
  place = tonumber(place)
  if not place or place >= self.count then place, own = 0, cursor end
  local following, page = unpack(self:ask(place, name, joined(before, { own }, after)))
  following = tostring(following)
  if following ~= '0' then return { place .. ':' .. following, page } end
  return { place + 1 < self.count and place + 1 .. ':0' or '0', page }
end

-- Messages

-- Take the messages of a partition to another one, until there are none left, or up to the number of one.
function Spread:deliver(source, target, upto)
  local target_text, source_text = string.format('%d', target), string.format('%d', source)
  local messages = self:ask(source, 'JOUTBOX', { target_text })
  while #messages > 0 do
    local done = self:ask(target, 'JINBOX', joined({ source_text }, messages))
    messages = self:ask(source, 'JOUTBOX', { target_text, 'upto', done })
    if upto and tonumber(done) >= upto then return end
  end
end

-- Deliver the messages that partitions have now. What fails is left to whoever ticks.
function Spread:flush(places)
  local has_delivered = false
  for _, place in ipairs(places) do
    pcall(function()
      local latest = self:ask(place, 'JOUTBOX', {})
      has_delivered = has_delivered or #latest > 0
      for i = 1, #latest, 2 do self:deliver(place, tonumber(latest[i]), tonumber(latest[i + 1])) end
    end)
  end
  return has_delivered
end

local ANSWERS, TRIES = 3, 5 -- how often to deliver in a row, and to call again

-- Deliver messages, and what partitions answer to them. Returns whether there were any.
function Spread:exchange()
  local all, has_delivered = {}, false
  for place = 0, self.count - 1 do all[place + 1] = place end
  for _ = 1, ANSWERS do
    if not self:flush(all) then break end
    has_delivered = true
  end
  return has_delivered
end

-- Jobs after jobs of other partitions

local MOST_ANCESTORS = 5000
local CHUNK = 50

-- Return what partitions know of jobs: { after, followed_by, followed_in, exists } by partition and id. `asked` is a list of
-- { place, id }.
function Spread:links(asked)
  local found, by_place = {}, {}
  for _, pair in ipairs(asked) do
    local place, id = unpack(pair)
    by_place[place] = by_place[place] or {}
    found[place] = found[place] or {}
    if not found[place][id] then
      found[place][id] = {}
      by_place[place][#by_place[place] + 1] = id
    end
  end
  for place, ids in pairs(by_place) do
    for at = 1, #ids, CHUNK do
      local some = part_of(ids, at, math.min(at + CHUNK - 1, #ids))
      local reply = self:ask(place, 'JWHEN', joined(some, { '-', 'only', 'links' }))
      for i, id in ipairs(some) do found[place][id] = self.decode(reply[i]) end
    end
  end
  return found
end

local function parents_in(text)
  local found = {}
  for id in (text or ''):gmatch('[^,]+') do found[#found + 1] = id:match('^%s*(.-)%s*$') end
  return found
end

local function fail_too_long(spread)
  spread.fail('OPTION', 'after: expected a chain of at most ' .. MOST_ANCESTORS .. ' jobs, got a longer one', 'after')
end

-- Add to `known` whatever jobs wait for, directly or not.
function Spread:read_ancestors(known, ids)
  local count = 0
  while #ids > 0 do
    local asked, following, seen = {}, {}, {}
    for i, id in ipairs(ids) do asked[i] = { self:of_job(id), id } end
    local links = self:links(asked)
    for _, pair in ipairs(asked) do known[pair[2]] = links[pair[1]][pair[2]].after or {} end
    count = count + #ids
    if count > MOST_ANCESTORS then fail_too_long(self) end
    for _, id in ipairs(ids) do
      for _, parent in ipairs(known[id]) do
        if not known[parent] and not seen[parent] then
          following[#following + 1], seen[parent] = parent, true
        end
      end
    end
    ids = following
  end
end

-- Return the way from a job back to itself over what each waits for, or nil.
local function find_cycle(known, start)
  local clear = {}
  local function search(id, way)
    for _, parent in ipairs(known[id] or {}) do
      if parent == start then return joined(way, { start }) end
      if not clear[parent] then
        clear[parent] = true
        local found = search(parent, joined(way, { parent }))
        if found then return found end
      end
    end
  end
  return search(start, { start })
end

local function reject_cycle(spread, known, id)
  local cycle = find_cycle(known, id)
  if cycle then spread.fail('OPTION', 'after: expected no cycle, got ' .. table.concat(cycle, ' after '), 'after') end
end

-- Raise an error if a job that waits for these would wait for itself.
function Spread:check_cycle(id, parents)
  local known, unread = { [id] = parents }, {}
  for _, parent in ipairs(parents) do
    if parent ~= id then unread[#unread + 1] = parent end
  end
  self:read_ancestors(known, unread)
  known[id] = parents
  reject_cycle(self, known, id)
end

-- Put or edit a job, whose options begin at a place.
local function put(first)
  return function(spread, name, words)
    local id, parents = words[1] or '', parents_in(option(words, first, 'after'))
    if #parents > 0 then spread:check_cycle(id, parents) end
    local reply = spread:ask(spread:of_job(id), name, words)
    if #parents > 0 then spread:flush { spread:of_job(id) } end
    return reply
  end
end

-- Return how many words of a JMSET stand before its jobs: the mode, and who puts them.
local function before_jobs(words)
  local at = 1
  while at + 1 < #words and (words[at + 1] == 'by' or words[at + 1] == 'because') do at = at + 2 end
  return at
end

local put_each = by_groups(before_jobs, Spread.of_job)

local function put_several(spread, name, words)
  local before = part_of(words, 1, before_jobs(words))
  local jobs, errors, call, places = word_groups(part_of(words, #before + 1)) or {}, {}, joined(before), {}
  for i, job in ipairs(jobs) do
    local parents = parents_in(option(job, 4, 'after'))
    local ok, problem = pcall(spread.check_cycle, spread, job[1], parents)
    if #parents == 0 or ok then
      call = joined(call, { string.format('%d', #job) }, job)
    else
      errors[i] = problem
    end
    if #parents > 0 then places[#places + 1] = spread:of_job(job[1]) end
  end
  if #places == 0 then return put_each(spread, name, words) end
  local replies, found, at = #call > #before and put_each(spread, name, call) or {}, {}, 0
  spread:flush(places)
  for i in ipairs(jobs) do
    if not errors[i] then at = at + 1 end
    found[i] = errors[i] or replies[at]
  end
  return found
end

-- Complete what the partition of each job knows of its parents, and of the jobs that wait for it.
local function when(spread, name, words)
  local found = by_ids(Spread.of_job)(spread, name, words)
  if option(words, 2, 'only') then return found end
  for number in ipairs(words) do
    local job, asked = type(found[number]) == 'string' and spread.decode(found[number]), {}
    for _, parent in ipairs(job and job.after or {}) do asked[#asked + 1] = { spread:of_job(parent), parent } end
    for _, place in ipairs(job and job.followed_in or {}) do asked[#asked + 1] = { tonumber(place), job.id } end
    if #asked > 0 then
      local links, missing, children = spread:links(asked), {}, joined(job.followed_by or {})
      for _, parent in ipairs(job.after or {}) do
        if links[spread:of_job(parent)][parent].exists == false then missing[#missing + 1] = parent end
      end
      for _, place in ipairs(job.followed_in or {}) do
        children = joined(children, links[tonumber(place)][job.id].followed_by or {})
      end
      table.sort(children)
      job.followed_in, job.missing = nil, #missing > 0 and missing or nil
      job.followed_by = #children > 0 and children or nil
      found[number] = spread.encode(job)
    end
  end
  return found
end

-- Board files: docs/reference/clients.md tells what each step is for.

local SILENCE = 2000 -- ms that a commit may wait for its client to decide

-- Return the stage of each partition, from 0. A text that is not such a list is left for the engine to reject.
local function split_stage(spread, text)
  local found, count = {}, 0
  for one in ((text or '') .. ','):gmatch('([^,]*),') do
    found[count], count = one, count + 1
  end
  if count == spread.count then return found end
  for place = 0, spread.count - 1 do found[place] = text or '' end
  return found
end

local function of_change(spread, id)
  local alert_name = id:match('^alert:(.*)$')
  return alert_name and spread:of_name(alert_name) or spread:of_job(id)
end

local stage_each = by_groups(function() return 3 end, of_change)

local function stage(spread, name, words)
  local stages = split_stage(spread, words[1])
  local told = setmetatable({
    ask = function(_, place, one, call) return spread:ask(place, one, joined({ stages[place] }, part_of(call, 2))) end,
  }, { __index = spread })
  return stage_each(told, name, words)
end

function Spread:settle_one(place, commit, decision) return self:ask(place, 'JAPPLY', { 'settle', commit, decision }) end

-- Abort a commit wherever that is possible now.
function Spread:abort(commit)
  for place = 0, self.count - 1 do pcall(self.settle_one, self, place, commit, 'abort') end
end

-- Tell the other partitions that the first has committed.
function Spread:tell_others(commit)
  for place = 1, self.count - 1 do self:settle_one(place, commit, 'commit') end
  self:ask(0, 'JAPPLY', { 'close', commit })
end

--- Go on with a commit for which a partition waits. Returns false if its client may still be at it.
---@param place integer
---@return boolean
function Spread:settle(place)
  local commit = self:ask(place, 'JAPPLY', { 'pending' })[1]
  if commit == '' then return true end
  local prepared, waited, committed = unpack(self:ask(0, 'JAPPLY', { 'pending' }))
  if prepared == commit then
    if tonumber(waited) < SILENCE then return false end
    self:settle_one(0, commit, 'abort')
  elseif place ~= 0 then
    self:settle_one(place, commit, committed == commit and 'commit' or 'abort')
  end
  return true
end

local function prepare(spread, stages, commit, rest)
  local count = 0
  for place = 0, spread.count - 1 do
    count = count + spread:ask(place, 'JAPPLY', joined({ 'prepare', stages[place], commit }, rest))
  end
  if count == 0 then spread.fail('STALE', 'the stage no longer exists or is empty: begin again') end
  return count
end

local function commit_all(spread, words)
  local stages, earlier = split_stage(spread, words[2]), spread:ask(0, 'JAPPLY', { 'pending' })[3]
  if earlier ~= '' then spread:tell_others(earlier) end
  local commit = 's' .. stages[0]:gsub('%W', 'r'):sub(1, 40) .. 't' .. os.time() -- no other stage has this number
  local ok, count = pcall(prepare, spread, stages, commit, part_of(words, 3))
  local problem = count
  if ok then ok, problem = pcall(spread.settle_one, spread, 0, commit, 'commit') end
  if not ok then
    -- Without an answer of the first partition, it may have committed.
    if problem == count or type(problem) == 'table' and problem.code == 'STALE' then spread:abort(commit) end
    error(problem, 0)
  end
  spread:tell_others(commit)
  return count
end

-- Reject a staged job that would wait for itself.
local function check(spread, words)
  local stages, id = split_stage(spread, words[2]), words[3] or ''
  local known, ids, count = {}, { id }, 0
  while #ids > 0 do
    local following, seen = {}, {}
    count = count + #ids
    if count > MOST_ANCESTORS then fail_too_long(spread) end
    local texts = in_order(spread:grouped(ids, spread.of_job, function(place, some)
      return spread:ask(place, 'JAPPLY', joined({ 'parents', stages[place] }, some))
    end))
    for i, one in ipairs(ids) do known[one] = parents_in(texts[i]) end
    for _, one in ipairs(ids) do
      for _, parent in ipairs(known[one]) do
        if not known[parent] and not seen[parent] then following[#following + 1], seen[parent] = parent, true end
      end
    end
    ids = following
  end
  reject_cycle(spread, known, id)
  local place = spread:of_job(id)
  return spread:ask(place, 'JAPPLY', { 'check', stages[place], id })
end

local APPLY = {
  begin = function(spread, words) return table.concat(spread:ask_all('JAPPLY', words), ',') end,
  check = check,
  commit = commit_all,
  drop = function(spread, words)
    local reply
    for place, one in pairs(split_stage(spread, words[2])) do reply = spread:ask(place, 'JAPPLY', { 'drop', one }) end
    return reply
  end,
  roll = function(spread, words)
    local left = 0
    for _, number in ipairs(spread:ask_all('JAPPLY', words)) do left = left + number end
    if left == 0 then
      local places = {}
      for place = 0, spread.count - 1 do places[place + 1] = place end
      spread:flush(places)
    end
    return left
  end,
}

local function apply(spread, name, words)
  local verb = APPLY[words[1] or '']
  if not verb then return spread:ask(0, name, words) end
  return verb(spread, words)
end

-- Alerts, and what concerns the whole board

local remove_alerts = count_each(Spread.of_name, 1)

-- An alert is put, removed and tested in the partition of its name. The others then hear of it.
local function alert(spread, name, words)
  if words[1] == 'remove' then
    local count, groups = remove_alerts(spread, name, words)
    for _, group in ipairs(groups) do spread:flush { group.place } end
    return count
  end
  local home = spread:of_name(words[2] or '')
  local reply = spread:ask(home, name, words)
  if words[1] == 'put' then spread:flush { home } end
  return reply
end

-- Return an alert as its home knows it, with what all partitions have open. `known` is by partition and name.
local function merged_alert(spread, known, name)
  local found = known[spread:of_name(name) + 1][name]
  if not found then return nil end
  local open = 0
  for _, alerts in ipairs(known) do open = open + (alerts[name] and alerts[name].open or 0) end
  found.open = open
  return spread.encode(found)
end

local function alerts_open(spread, name, names, options)
  local job, cursor = option(options, 2, 'job'), option(options, 2, 'open')
  if job then return spread:ask(spread:of_job(job), name, joined(names, options)) end
  return spread:paged(name, joined(names, { '-' }, without(options, 2, 'open'), { 'open' }), cursor, {})
end

-- All partitions know all alerts, each what it has open. The home of one also has its payload.
local function alerts(spread, name, words)
  local names, options = split_at(words, '-')
  if option(options, 2, 'open') then return alerts_open(spread, name, names, options) end
  local job, known, chosen, found = option(options, 2, 'job'), {}, {}, {}
  local place = job and spread:of_job(job)
  local of_all = joined(names, part_of(options, 1, 1), without(options, 2, 'job'))
  for one = 0, spread.count - 1 do
    known[one + 1] = {}
    for _, text in pairs(spread:ask(one, name, one == place and words or of_all)) do -- with holes for unknown names
      local read = type(text) == 'string' and text ~= '' and spread.decode(text)
      if read then
        known[one + 1][read.name] = read
        if not place or one == place then chosen[read.name] = true end
      end
    end
  end
  if #names > 0 then
    for i, one in ipairs(names) do found[i] = merged_alert(spread, known, one) end
    return found
  end
  local order = {}
  for one in pairs(chosen) do order[#order + 1] = one end
  table.sort(order)
  for _, one in ipairs(order) do found[#found + 1] = merged_alert(spread, known, one) end
  return found
end

-- Bounds are set in the first partition. The others then hear of them.
local function retain(spread, name, words)
  local reply = spread:ask(0, name, words)
  if #words > 0 then spread:flush { 0 } end
  return reply
end

-- Commands with rules of their own

local function backfill(spread, name, words)
  local subject = words[2] or ''
  return spread:ask(words[1] == 'start' and spread:of_job(subject) or spread:of_number(subject), name, words)
end

local backfills_named = by_ids(Spread.of_number)

local function backfills(spread, name, words)
  if #words == 0 then return chain(spread:ask_all(name, words)) end
  return backfills_named(spread, name, words)
end

local function cancel(spread, name, words)
  if words[1] ~= '-' then return spread:ask(spread:of_task(words[1] or ''), name, words) end
  local job = words[3] == 'job' and words[4]
  if job and not job:find('^alert:') then return spread:ask(spread:of_job(job), name, words) end
  return spread:paged(name, { '-' }, words[2] or '', part_of(words, 3))
end

local END = '-' -- in the cursor of several lists: this one has ended

local function moment(id)
  local time, number = id:match('^(%d+)%-?(%d*)$')
  return { tonumber(time) or 0, tonumber(number) or 0 }
end

local function is_before(a, b)
  if a[1] ~= b[1] then return a[1] < b[1] end
  return a[2] < b[2]
end

local function read_cursors(spread, before)
  local found = {}
  for cursor in ((before or '') .. ','):gmatch('([^,]*),') do found[#found + 1] = cursor end
  if #found == spread.count then return found end
  for i = 1, spread.count do found[i] = before or '' end
  return part_of(found, 1, spread.count)
end

-- Combine pages of JCHANGES, each newest first, into one of at most `count` changes. What a partition has not looked at yet
-- may be newer than what another one has.
local function newest(spread, pages, cursors, count)
  local entries, unread, chosen, taken, last = {}, { 0, 0 }, {}, {}, {}
  for place, page in pairs(pages) do
    local cursor = tostring(page[1])
    if cursor ~= '0' and is_before(unread, moment(cursor)) then unread = moment(cursor) end
    for i, text in ipairs(page[2]) do
      local id = spread.decode(text).id
      entries[#entries + 1] = { at = moment(id), id = id, place = place, i = i, text = text }
    end
  end
  table.sort(entries, function(a, b)
    if is_before(a.at, b.at) or is_before(b.at, a.at) then return is_before(b.at, a.at) end
    if a.place ~= b.place then return a.place < b.place end
    return a.i < b.i
  end)
  for _, entry in ipairs(entries) do
    if #chosen == count or is_before(entry.at, unread) then break end
    chosen[#chosen + 1] = entry.text
    taken[entry.place], last[entry.place] = (taken[entry.place] or 0) + 1, entry.id
  end
  local following, has_ended = {}, true
  for place, cursor in ipairs(cursors) do
    local page = pages[place]
    if not page then
      following[place] = END
    elseif (taken[place] or 0) < #page[2] then
      following[place] = last[place] or cursor
    else
      following[place] = tostring(page[1]) == '0' and END or tostring(page[1])
    end
    has_ended = has_ended and following[place] == END
  end
  return { has_ended and '0' or table.concat(following, ','), chosen }
end

local function changes(spread, name, words)
  local job = option(words, 1, 'job')
  if job then return spread:ask(spread:of_job(job), name, words) end
  local kept, pages = without(words, 1, 'before'), {}
  local cursors = read_cursors(spread, option(words, 1, 'before'))
  for place, cursor in ipairs(cursors) do
    if cursor ~= END then
      pages[place] = spread:ask(place - 1, name, joined(kept, cursor ~= '' and { 'before', cursor } or {}))
    end
  end
  return newest(spread, pages, cursors, whole(option(words, 1, 'count')) or 100)
end

local function next_runs(spread, name, words)
  if words[1] == '-' then return spread:ask(0, name, words) end
  return by_job(spread, name, words)
end

-- Ask one partition after the other, until there are enough tasks. Tasks that are held already are not to be lost.
-- Ask each partition, in turn, for as many tasks as are missing.
local function pop_round(spread, name, words, first, count)
  local found, start, rest = {}, spread:turn(), without(words, first, 'count')
  for turn = 0, spread.count - 1 do
    local call = joined(part_of(words, 1, first - 1), { 'count', string.format('%d', count - #found) }, rest)
    local ok, reply = pcall(spread.ask, spread, (start + turn) % spread.count, name, call)
    if not ok and #found == 0 then error(reply, 0) end
    if not ok then break end
    found = joined(found, reply)
    if #found >= count then break end
  end
  return found
end

-- A partition may wait for slots of a limit that another one lends it: then ask again.
local function pop(spread, name, words)
  local first = 2 + (whole(words[1]) or #words)
  local count = whole(option(words, first, 'count') or '1')
  if not count or count == 0 or first > #words + 1 then return spread:ask(0, name, words) end
  local found = pop_round(spread, name, words, first, count)
  if #found < count and spread:exchange() then
    local ok, more = pcall(pop_round, spread, name, words, first, count - #found)
    if not ok and #found == 0 then error(more, 0) end
    found = ok and joined(found, more) or found
  end
  return found
end

-- A job is run where it is. A one-off task may be anywhere, but repeated ones have one place.
local function push_place(spread, words)
  if #words % 2 == 1 then return spread:of_job(words[1] or '') end
  local key, runner, payload = option(words, 3, 'idempotency-key'), words[1] or '', words[2] or ''
  if not key and option(words, 3, 'unique-for') then
    key = table.concat({ runner, option(words, 3, 'queue') or runner, payload }, '\n')
  end
  return key and spread:of_name(key) or spread:turn()
end

-- A partition that has no place in the queue asks for one: all may be lent to others.
local function push(spread, name, words)
  local place, problem = push_place(spread, words), nil
  for _ = 1, TRIES do
    local ok, reply = pcall(spread.ask, spread, place, name, words)
    if ok then return reply end
    problem = reply
    local text = tostring(type(problem) == 'table' and problem.message or problem)
    if not (text:find('queue: ', 1, true) and text:find('max-length', 1, true)) then break end
    spread:exchange()
  end
  error(problem, 0)
end

-- Set a limit at its home, and let all partitions know at once.
local function limit(spread, name, words)
  local reply = spread:ask(spread:of_name((words[1] or '') .. ':' .. (words[2] or '')), name, words)
  spread:exchange()
  return reply
end

local OF_TASKS = { task = true, history = true, output = true, printed = true, tail = true }

-- Return the partition of an item of a dump. What belongs to the board is in the first.
local function of_item(spread, _, item)
  local kind, id = item[2] or '', item[3] or ''
  if id == '' then return 0 end
  return OF_TASKS[kind] and spread:of_task(id) or spread:of_job(id)
end

local add_items = by_groups(function() return 2 end, of_item)

local function load_dump(spread, name, words)
  if words[1] == 'add' then return add_items(spread, name, words) end
  local replies = spread:ask_all(name, words)
  return words[1] == 'begin' and smallest(replies) or first_of(replies)
end

-- Make one state of those of all partitions.
local function state_of(replies)
  local states = {}
  for place, reply in ipairs(replies) do states[place] = reply[2][1][3] end
  return { '0', { { 'state', '', table.concat(states, ',') } } }
end

-- Read one partition after the other, each for those of the ids that it has.
local function dump(spread, name, words)
  local place, cursor, ids = words[1] or '', words[2] or '', part_of(words, 3)
  if place == 'state' then return state_of(spread:ask_all(name, words)) end
  if #ids == 0 then return spread:paged(name, { place }, cursor, {}) end
  local place_of = place == 'outputs' and spread.of_task or place == 'dues' and spread.of_number or spread.of_job
  local number, own = cursor:match('^(%d+):(.*)$')
  local groups, first, second = {}, nil, nil
  for _, id in ipairs(ids) do
    local at = place_of(spread, id)
    groups[at] = joined(groups[at] or {}, { id })
  end
  for at = tonumber(number) or 0, spread.count - 1 do
    if groups[at] and first then second = second or at elseif groups[at] then first = at end
  end
  if not first then return { '0', {} } end
  own = first == tonumber(number) and own or '0'
  local following, items = unpack(spread:ask(first, name, joined({ place, own }, groups[first])))
  following = tostring(following)
  if following ~= '0' then return { first .. ':' .. following, items } end
  return { second and second .. ':0' or '0', items }
end

-- A worker reports to all partitions. What it runs counts in the first.
local function register(spread, name, words)
  local rest, replies = joined(words), {}
  for i = 1, #words - 1 do
    if words[i] == 'running' then rest[i + 1] = '0' end
  end
  for place = 0, spread.count - 1 do replies[place + 1] = spread:ask(place, name, place == 0 and words or rest) end
  return largest(replies)
end

local function stats(spread, name, words)
  local job = option(words, 1, 'job')
  if job then return spread:ask(spread:of_job(job), name, words) end
  return add_up(spread:ask_all(name, words))
end

local function tasks(spread, name, words)
  local task, job = option(words, 2, 'task'), option(words, 2, 'job')
  if task then return spread:ask(spread:of_task(task), name, words) end
  if job and not job:find('^alert:') then return spread:ask(spread:of_job(job), name, words) end
  return spread:paged(name, {}, words[1] or '', part_of(words, 2))
end

-- Tick all partitions, and take their messages to one another.
-- Tick every partition, and take their messages to one another. What these made due is ticked, too.
local function tick(spread, name, words)
  local moved, due, present = 0, 0, 0
  for _ = 1, TRIES do
    local has_messages = false
    due = 0
    for _, reply in ipairs(spread:ask_all(name, words)) do
      moved, present = moved + reply[1], math.max(present, reply[3])
      if reply[2] > 0 then due = due == 0 and reply[2] or math.min(due, reply[2]) end
      has_messages = has_messages or #reply > 3
    end
    if not (has_messages and spread:exchange()) then break end
  end
  return { moved, due, present }
end

-- Keep as many of the newest tasks in each partition as is its share of the queue.
local function trim(spread, name, words)
  local keep, lengths, dropped = whole(words[2]), {}, 0
  if not keep then return spread:ask(0, name, words) end
  for i, counts in ipairs(spread:ask_all('JCOUNT', {})) do
    lengths[i] = option(counts, 1, 'queue:' .. words[1]) or 0
  end
  for i, share in ipairs(shares(lengths, keep)) do
    local call = joined({ words[1], string.format('%d', share) }, part_of(words, 3))
    dropped = dropped + spread:ask(i - 1, name, call)
  end
  return dropped
end

local function zones(spread, name, words)
  if words[1] ~= 'refresh' then return (#words > 0 and largest or smallest)(spread:ask_all(name, words)) end
  for place = 0, words[2] == '0' and spread.count - 1 or -1 do
    local cursor = '0'
    repeat cursor = spread:ask(place, name, joined({ 'refresh', cursor }, part_of(words, 3))) until cursor == '0'
  end
  return '0'
end

--- The rule of each command.
partitions.RULES = {
  JACK = by_token,
  JALERT = alert,
  JALERTS = alerts,
  JAPPLY = apply,
  JBACKFILL = backfill,
  JBACKFILLS = backfills,
  JBEAT = by_ids(Spread.of_token, 1, '--'),
  JCANCEL = cancel,
  JCHANGES = changes,
  JCOUNT = by_all(add_up),
  JDEAD = count_each(Spread.of_token, 1),
  JDEL = count_each(Spread.of_job, 0),
  JDUES = by_job,
  JDUMP = dump,
  JEDIT = put(2),
  JFIND = function(spread, name, words) return spread:paged(name, {}, words[1] or '', part_of(words, 2)) end,
  JGAPS = function(spread, name, words) return gaps(spread, spread:ask_all(name, words)) end,
  JGET = by_ids(Spread.of_job),
  JHOURS = function(spread, name, words) return hours(spread, spread:ask_all(name, words)) end,
  JLABELS = function(spread, name, words) return sorted_pairs(add_up(spread:ask_all(name, words))) end,
  JLIMIT = limit,
  JLOAD = load_dump,
  JLOGS = by_ids(Spread.of_task),
  JMACK = by_groups(function() return 0 end, Spread.of_token),
  JMSET = put_several,
  JNEXT = next_runs,
  JOUTPUT = by_token,
  JPAUSE = by_job,
  JPERMIT = by_first,
  JPOP = pop,
  JPUSH = push,
  JREGISTER = register,
  JRESUME = by_job,
  JRETAIN = retain,
  JRUNS = by_job,
  JSET = put(4),
  JSETNX = put(4),
  JSTAGE = stage,
  JSTATS = stats,
  JSUMMARY = by_ids(Spread.of_job),
  JTASKS = tasks,
  JTICK = tick,
  JTOP = function(spread, name, words)
    return top(spread, spread:ask_all(name, words), whole(option(words, 1, 'rows')) or 20)
  end,
  JTRIM = trim,
  JWHEN = when,
  JZONES = zones,
}

--- Call a command of the board. Returns the reply of the partition that it is for, or of all of them together.
---@param name string
---@param words string[]
function Spread:call(name, words)
  local rule = partitions.RULES[name]
  if not rule then self.fail('OPTION', name .. ': this client cannot call it on a board with partitions') end
  return (rule(self, name, words))
end

return partitions
