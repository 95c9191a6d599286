#!lua flags=no-writes
--[[ JPERMIT board command [command …]

  Which commands of Redis the calling user may not run on the board's keys: by name (XADD), with a subcommand or first
  argument after a bar (SCRIPT|LOAD, FCALL|JACK). Redis checks every command that a command of Jobs runs against its
  caller's ACL, and does not roll back what ran before the one it denies. So ask first; asking leaves no trace in ACL LOG.

    FCALL_RO JPERMIT 1 {jobs} HGET XADD 'FCALL|JACK'
      1) "XADD"

  Answers those that are denied, and those that this Redis does not have; an empty list: all are permitted.
  Errors: JOBS OPTION.
--]]
local fail = require('base.errors').fail
local key = require('base.keys').key

-- A call as the ACL is to check it: the board for a function, or else a key of the board where a command may have one.
-- A command without keys is checked by its name alone.
local function acl_arguments(board, text)
  local any_key = key(board, 'any')
  local name, first = text:match('^([^|]+)|(.+)$')
  if not name then return { text, any_key, any_key } end
  if name:upper():find('^FCALL') then return { name, first, '1', board } end
  return { name, first, any_key }
end

local function is_permitted(board, text)
  local known, permitted = pcall(redis.acl_check_cmd, unpack(acl_arguments(board, text)))
  return known and permitted
end

return function(board, args)
  if #args == 0 then fail('OPTION', 'JPERMIT expects at least one command name') end
  local denied = {}
  for _, text in ipairs(args) do
    if not is_permitted(board, text) then denied[#denied + 1] = text end
  end
  return denied
end
