--- @include "head"
--- @include "ids"
--- @include "key"
--- @include "revision"

-- Jobs that run when others have ended. A head's `h` says which: p, their ids; o, f when they are to fail and e when any
-- ending will do (else they are to succeed); n, 1 when any one of them will do (else all). `{b}:after:<parent>` has the
-- jobs that wait for a parent, in the order of their ids; `{b}:parents` the same the other way round, `a,b` for each job;
-- `{b}:met:<job>` the parents that have ended since its last run.
local after = {}
do
  local MOST, FAR = 100, 5000  -- parents of a job; jobs looked at for a cycle
  local NAMED = 10  -- jobs of a cycle that an error names

  local ON = { success = false, failure = 'f', ['end'] = 'e' }
  local JOIN = { all = false, any = 1 }

  local function chosen(name, text, words, known)
    if text and words[text] == nil then fail('OPTION', name .. " '" .. text .. "' is not one of " .. known) end
    return text and words[text] or nil
  end

  local function read_parents(text)
    local parents, seen = {}, {}
    for parent in (text .. ','):gmatch('%s*([^,]-)%s*,') do
      check_id(parent)
      if not seen[parent] then parents[#parents + 1] = parent end
      seen[parent] = true
    end
    if #parents > MOST then fail('OPTION', 'after names over ' .. MOST .. ' jobs') end
    return parents
  end

  -- Answers what a head keeps of `after`, `on` and `join`.
  function after.read(options)
    return {
      p = read_parents(options.after), o = chosen('on', options.on, ON, 'success, failure, end'),
      n = chosen('join', options.join, JOIN, 'all, any'),
    }
  end

  -- The ids that a job waits for.
  function after.parents(head)
    return head and head.h and head.h.p or {}
  end

  function after.is_same(a, b)
    if not (a and b) then return a == b end
    return a.o == b.o and a.n == b.n and table.concat(a.p, ',') == table.concat(b.p, ',')
  end

  function after.has_children(board, id)
    return redis.call('EXISTS', key(board, 'after:' .. id)) == 1
  end

  -- Walk up to all that a job waits for, whatever the way. Answers a cycle that it meets, as a list of ids, the first again
  -- at its end; or nothing.
  local function walk_up(id, graph, path, place)
    graph.left = graph.left - 1
    if graph.left < 0 then fail('OPTION', 'after reaches up to over ' .. FAR .. ' jobs: break the chain') end
    path[place[id]] = id
    for parent in graph.parents(id):gmatch('[^,]+') do
      local from = place[parent]
      if from then
        local cycle = { unpack(path, from, place[id]) }
        cycle[#cycle + 1] = parent
        return cycle
      end
      if not graph.is_clear(parent) then
        place[parent] = place[id] + 1
        local cycle = walk_up(parent, graph, path, place)
        if cycle then return cycle end
        place[parent] = nil
      end
    end
    graph.clear(id)
  end

  local function sentence(cycle)
    local named = cycle
    if #cycle > NAMED then
      named = { unpack(cycle, 1, NAMED - 2) }
      named[NAMED - 1], named[NAMED] = '… (' .. #cycle - NAMED .. ' more) …', cycle[#cycle]
    end
    return 'after makes a cycle: ' .. table.concat(named, ' after ')
  end

  -- Refuse a job that would wait for itself, by whatever way. A graph has `parents`, which answers the ids that a job
  -- waits for, `a,b`; `clear`, which notes that no cycle is above a job; and `is_clear`, whether that was noted. Answers
  -- whether none is above this one.
  function after.refuse_cycle(id, graph)
    graph.left = FAR
    local cycle = walk_up(id, graph, {}, { [id] = 1 })
    if cycle and cycle[1] == id then fail('OPTION', sentence(cycle)) end
    return not cycle
  end

  -- What the jobs on the board wait for, with `changed` in place of what some of them do.
  function after.graph(board, changed)
    local clear = {}
    return {
      parents = function(id) return changed(id) or redis.call('HGET', key(board, 'parents'), id) or '' end,
      is_clear = function(id) return clear[id] end,
      clear = function(id) clear[id] = true end,
    }
  end

  -- What a job waits for, as `{b}:parents` has it.
  function after.ids(head)
    return table.concat(after.parents(head), ',')
  end

  local function write_parents(board, id, ids)
    if ids == '' then
      redis.call('HDEL', key(board, 'parents'), id)
    else
      redis.call('HSET', key(board, 'parents'), id, ids)
    end
    revise(board)
  end

  -- Note what a job waits for, instead of what it waited for before. What has ended counts on, unless it is to end
  -- another way from now on.
  function after.link(board, id, head, old)
    local ids, keeps = after.ids(head), {}
    if head and head.h and old and old.h and head.h.o ~= old.h.o then redis.call('DEL', key(board, 'met:' .. id)) end
    if ids == after.ids(old) then return end
    write_parents(board, id, ids)
    for _, parent in ipairs(after.parents(head)) do
      keeps[parent] = true
      redis.call('ZADD', key(board, 'after:' .. parent), 0, id)
    end
    for _, parent in ipairs(after.parents(old)) do
      if not keeps[parent] then
        redis.call('ZREM', key(board, 'after:' .. parent), id)
        redis.call('SREM', key(board, 'met:' .. id), parent)
      end
    end
  end
end
