--- @include "head"
--- @include "ids"
--- @include "key"

-- Jobs that run when others have ended. A head's `h` says which: p, their ids; o, f when they are to fail and e when any
-- ending will do (else they are to succeed); n, 1 when any one of them will do (else all). `{b}:after:<parent>` has the
-- jobs that wait for a parent, in the order of their ids; `{b}:met:<job>` the parents that have ended since its last run.
local after = {}
do
  local MOST, FAR = 100, 5000  -- parents of a job; jobs looked at for a cycle

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

  -- A way from one of `parents` up to the job `goal`, by what each waits for: a list of ids, or nothing.
  local function way_up(parents, goal, head_of, seen)
    for _, parent in ipairs(parents) do
      if parent == goal then return { goal } end
      if not seen[parent] then
        seen[parent], seen.left = true, seen.left - 1
        if seen.left < 0 then fail('OPTION', 'after reaches up to over ' .. FAR .. ' jobs: break the chain') end
        local way = way_up(after.parents(head_of(parent)), goal, head_of, seen)
        if way then return { parent, unpack(way) } end
      end
    end
  end

  -- Refuse a job that would wait for itself, by whatever way. `head_of` answers the head of a job, or nothing.
  function after.refuse_cycle(id, parents, head_of)
    local way = way_up(parents, id, head_of, { left = FAR })
    if way then fail('OPTION', 'after makes a cycle: ' .. id .. ' after ' .. table.concat(way, ' after ')) end
  end

  -- Note what a job waits for, instead of what it waited for before. That is a revision of the board: what others have
  -- found about cycles does not hold any more. What has ended counts on, unless it is to end another way from now on.
  function after.link(board, id, head, old)
    local keeps = {}
    if head and head.h and old and old.h and head.h.o ~= old.h.o then redis.call('DEL', key(board, 'met:' .. id)) end
    redis.call('HINCRBY', key(board, 'stats'), 'revision', 1)
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
