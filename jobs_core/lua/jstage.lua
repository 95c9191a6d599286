#!lua
--[[ JSTAGE board stage owner put|adopt|remove words id runner payload [option value …] [words id …] …

  Prepare the changes of a board file beside the board, where nobody sees them before JAPPLY commit. `stage` is what JAPPLY
  begin returned, and `owner` the name of the file. Each job is compared with the current one, as JSET would write it; an
  equal one is not staged. Stage at most about a hundred jobs at once: after 1 MiB of old payloads, the rest of a call
  fails with JOBS AGAIN. A stage expires an hour after the last call.

    put      as JSET does; fails for a job of another owner
    adopt    the same, but takes over jobs of other owners
    remove   takes ids only; removes only jobs of the owner

  The id alert:<name> is an alert, with the options of JALERT put, without owner, by, because and now.

    FCALL JSTAGE 1 {jobs} 1-0 board.yml put 5 tick shell 'echo hi' every 5 3 tock shell date
      1) 1) (nil)                        before, as JSON: nil, the job is new
         2) {"id":"tick",…}              after
      2) (integer) 0                     no change
    FCALL JSTAGE 1 {jobs} 1-0 board.yml remove 1 old

  Returns a list: for each a pair, before and after, null where there is none; 0; or an error.
  Errors: JOBS AGAIN, JOBS EXISTS, JOBS NOTFOUND, JOBS OPTION, JOBS PAYLOAD; JOBS STALE when the stage is gone.
--]]
local alerts = require 'alert.put'
local describe_alert = require 'alert.describe'
local rules = require 'alert.rules'
local apply_state = require 'base.apply_state'
local arguments = require 'base.arguments'
local command = require 'base.command'
local fail = require('base.errors').fail
local key = require('base.keys').key
local is_same = require('base.tables').is_same
local stages = require 'board.stages'
local put = require 'define.put'
local describe = require 'job.describe'
local ids = require 'job.ids'
local packed_job = require 'job.packed_job'

local MAX_BYTES = 1048576  -- of existing jobs that one call reads
local MODES = { put = true, adopt = true, remove = true }

local function job_fields(id, head, body)
  local fields = describe.options(id, head, body)
  if fields then fields.paused = head.paused end
  return fields
end

-- Reject a change to what another owner has: `what` is it, and `word` what it is found by.
local function check_owner(what, word, found, owner, mode)
  if found == owner or mode == 'adopt' then return end
  local owned_by = found and "belongs to the board file '" .. found .. "'" or 'belongs to no board file'
  fail('EXISTS', what .. ' ' .. owned_by .. ': adopt it, or choose another ' .. word)
end

local function stage_put(context, stage, owner, mode, args)
  local board, job = context.board, put.read(context, args, false)
  context.bytes = context.bytes + #(job.old_body or '')
  local found = job.old and redis.call('HGET', key(board, 'owners'), job.id)
  local before = job.old and job_fields(job.id, job.old, job.old_body)
  local after = job_fields(job.id, job.head, job.body)
  if before then
    check_owner("the job '" .. job.id .. "'", 'id', found, owner, mode)
    if found == owner and is_same(before, after) then return 0 end
  end
  stages.write(board, stage, job.id, cmsgpack.pack(args), job.head, job.old)
  return { before and cjson.encode(before) or false, cjson.encode(after) }
end

local function stage_remove(context, stage, owner, id)
  local board = context.board
  if redis.call('HGET', key(board, 'owners'), id) ~= owner then
    fail('NOTFOUND', "the board file '" .. owner .. "' has no job '" .. id .. "'")
  end
  local packed = redis.call('HGET', key(board, 'job'), id)
  if not packed then
    stages.write(board, stage, id, '')
    return 0
  end
  local old, body = packed_job.unpack(packed)
  context.bytes = context.bytes + #packed
  stages.write(board, stage, id, '', nil, old)
  if not old then return { cjson.encode({ id = id }), false } end
  return { cjson.encode(job_fields(id, old, body) or { id = id }), false }
end

local function require_room(board, stage)
  local number = redis.call('HLEN', key(board, 'alerts')) + stages.more_alerts(board, stage)
  if number >= rules.MOST then
    fail('OPTION', 'the board would have more than ' .. rules.MOST .. ' alerts: declare fewer, or remove others')
  end
end

local function stage_alert_put(context, stage, owner, mode, args)
  local board, alert = context.board, alerts.read(context.board, args)
  local old, before = rules.find(board, alert.name), nil
  local after = describe_alert.declared(alert.rule, alert.payload)
  if old then
    check_owner("the alert '" .. alert.name .. "'", 'name', old.owner, owner, mode)
    local payload = rules.payload(board, old)
    context.bytes = context.bytes + #payload
    before = describe_alert.declared(old, payload)
    if old.owner == owner and is_same(before, after) then return 0 end
  else
    require_room(board, stage)
  end
  stages.write_alert(board, stage, alert.name, cmsgpack.pack(args), old and 0 or 1)
  return { before and cjson.encode(before) or false, cjson.encode(after) }
end

local function stage_alert_remove(context, stage, owner, name)
  local board, old = context.board, rules.find(context.board, name)
  if not old or old.owner ~= owner then
    fail('NOTFOUND', "the board file '" .. owner .. "' has no alert '" .. name .. "'")
  end
  local payload = rules.payload(board, old)
  context.bytes = context.bytes + #payload
  stages.write_alert(board, stage, name, '', -1)
  return { cjson.encode(describe_alert.declared(old, payload)), false }
end

local function stage_change(context, stage, owner, mode, args)
  if context.bytes > MAX_BYTES then
    fail('AGAIN', 'the existing jobs are too large for one call: stage this job in the next one')
  end
  local name = ids.alert_name(args[1])
  if name then
    if mode == 'remove' then return stage_alert_remove(context, stage, owner, name) end
    args[1] = name
    return stage_alert_put(context, stage, owner, mode, args)
  end
  if mode == 'remove' then return stage_remove(context, stage, owner, args[1]) end
  return stage_put(context, stage, owner, mode, args)
end

return function(board, args)
  local stage, owner, mode = args[1] or '', args[2] or '', args[3]
  if not MODES[mode] then fail('OPTION', 'JSTAGE expects a stage, an owner, and put, adopt or remove') end
  stages.check(stage)
  stages.check_owner(owner)
  apply_state.require_no_pending_apply(board)
  local context, replies = put.context(board, stages.begun_at(board, stage), {}), {}
  context.bytes = 0
  for i, group in ipairs(arguments.split_groups(args, 4)) do
    replies[i] = command.attempt(stage_change, context, stage, owner, mode, group)
  end
  stages.renew(board, stage)
  return replies
end
