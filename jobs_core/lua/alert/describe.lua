-- An alert as people see it.

local conditions = require 'alert.conditions'
local records = require 'queue.records'

local describe = {}

local function fields(rule)
  local found = {
    when = conditions.text(rule.when), runner = rule.runner, every = rule.every and rule.every / 1000, recovery = rule.recovery,
    quiet = rule.quiet, zone = rule.zone, burst = rule.burst, queue = rule.queue, priority = rule.priority,
    options = rule.options ~= '' and cjson.decode(rule.options) or nil, owner = rule.owner,
  }
  if #rule['for'] > 0 then found['for'] = rule['for'] end
  return found
end

-- Return an alert as a table, without its payload: for JCHANGES.
function describe.change(rule, payload)
  local found = fields(rule)
  found['payload-hash'] = redis.sha1hex(payload):sub(1, 8)
  return found
end

-- Return an alert as a table, as a board file declares it: without its owner.
function describe.declared(rule, payload)
  local found = fields(rule)
  found.id, found.payload, found.owner = 'alert:' .. rule.name, payload, nil
  return found
end

-- Return an alert as JSON. `payload` may be nil, `open` is how many jobs or queues it tells of, `told` when it told last
-- (ms).
function describe.json(rule, payload, open, told)
  local found = fields(rule)
  found.name, found.payload, found.open, found.told = rule.name, payload, open or 0, told and told / 1000
  found.etag = rule.etag
  return cjson.encode(found)
end

local SUBJECTS = { unserved = 'queue', behind = 'board' }

-- Return what goes on of an alert as JSON. `one` is as incidents.page returns it.
function describe.incident(one)
  local found = {
    alert = one.alert, kind = one.kind, since = one.since / 1000, told = one.told / 1000, more = one.more, times = one.times,
  }
  local subject = SUBJECTS[one.kind] or 'job'
  if subject ~= 'board' then found[subject] = one.subject end
  if one.kind == 'long' then found.task = records.id_of_token(one.details) end
  return cjson.encode(found)
end

return describe
