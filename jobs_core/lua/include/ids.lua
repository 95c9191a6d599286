--- @include "fail"

-- Refuse a job id that cannot be part of a task id, a line of output or a command line.
local function check_id(id)
  if id == '' or id == '-' or #id > 256 or id:find('[%s%c#]') then
    fail('OPTION', 'a job id is 1 to 256 bytes with no spaces, control characters or #')
  end
  if id:find('^push:%d') then fail('OPTION', 'push:<n> is what one-off tasks are called: choose another job id') end
end

local function check_runner(name)
  if not name:match('^[%w][%w._-]*$') or #name > 64 then
    fail('OPTION', 'a runner\'s name is 1 to 64 letters, digits, dots, dashes and underscores')
  end
end
