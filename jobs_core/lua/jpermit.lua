#!lua flags=no-writes
--[[ JPERMIT board command [command …]

  Check which Redis commands the calling user may not run on the board's keys. Name each command (XADD), with a subcommand
  or first argument after a bar where needed (SCRIPT|LOAD, FCALL|JACK). Redis checks every command inside a function
  against the caller's ACL, and does not roll back earlier commands if it denies one. So a client checks before its first
  write. The check does not appear in ACL LOG.

    FCALL_RO JPERMIT 1 {jobs} HGET XADD 'FCALL|JACK'
      1) "XADD"

  Returns the commands that are denied or unknown to this Redis. An empty list means that all are permitted.
  Errors: JOBS OPTION.
--]]
local fail = require('base.errors').fail
local key = require('base.keys').key

-- Return the arguments of a call for the ACL check. A function gets the board as its key; other commands get one of the
-- board's keys where they may take one. A command without keys is checked by name only.
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
