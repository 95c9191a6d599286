local fail = require('base.errors').fail

local ids = {}

-- Refuse a job id that cannot be part of a task id, a line of output or a command line.
function ids.check(id)
  if id == '' or id == '-' or #id > 256 or id:find('[%s%c#]') then
    fail('OPTION', 'a job id is 1 to 256 bytes with no spaces, control characters or #')
  end
  if id:find('^push:%d') then fail('OPTION', 'push:<n> is what one-off tasks are called: choose another job id') end
end

function ids.check_runner(name)
  if not name:match('^[%w][%w._-]*$') or #name > 64 then
    fail('OPTION', 'a runner\'s name is 1 to 64 letters, digits, dots, dashes and underscores')
  end
end

return ids
