local fail_option = require('base.errors').fail_option
local names = require 'base.names'
local is_utf8 = require('base.strings').is_utf8

local ids = {}

-- Reject a job id that cannot be part of a task id, a list of ids, a line of output or a command line. `name` is the option
-- for the error.
function ids.check(name, id)
  if id == '' or id == '-' or #id > 256 or id:find('[%s%c#,]') then
    fail_option(name, 'expected a job id of 1 to 256 bytes, without spaces, commas, control characters or #')
  end
  if not is_utf8(id) then fail_option(name, 'expected UTF-8, got other bytes') end
  names.check_visible(name, id)
  names.check_segment(name, id)
  if id:find('^push:%d') then fail_option(name, 'push:<n> is reserved for one-off tasks: choose another job id') end
  if id:find('^alert:') then fail_option(name, 'alert:<name> is reserved for alerts: choose another job id') end
end

-- Return the name of an alert whose id, alert:<name>, stands for it beside jobs, or nothing for the id of a job.
function ids.alert_name(id)
  return id:match('^alert:(.+)$')
end

function ids.check_runner(name)
  if not name:match('^[%w][%w._-]*$') or #name > 64 then
    fail_option('runner', "expected 1 to 64 letters, digits, dots, dashes or underscores, got '" .. name:sub(1, 64) .. "'")
  end
end

return ids
