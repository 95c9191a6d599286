-- A token is <task id>#<number>; the number is new with each lease, so an old token never fits again.

local function token_task(token)
  return token:match('^(.*)#%d+$')
end
