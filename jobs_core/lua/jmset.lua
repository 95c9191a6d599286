#!lua
--[[ JMSET board set|create words id runner payload [option value …] [words id …] …

  Put several jobs in one call, each as JSET (set) or JSETNX (create) would. `words` is how many arguments each
  has. One that is refused keeps none of the others from being put. Put no more than about a hundred at once.

    EVALSHA <JMSET> 1 {jobs} set 5 a shell 'echo a' every 5 3 b shell 'echo b'
      1) (integer) 1763900000000
      2) (integer) 0

  Answers, for each job, what JSET would: its next run in ms since the epoch, or 0, or an error.
  Errors: JOBS OPTION.
--]]
--- @include "command"
--- @include "put"

local MODES = { set = false, create = true }

-- Split ARGV into the arguments of each job, before anything is written.
local function read_jobs()
  local jobs, at = {}, 2
  while at <= #ARGV do
    local words = whole('words', ARGV[at], 1)
    if at + words > #ARGV then fail('OPTION', 'words is more than the arguments that follow') end
    jobs[#jobs + 1] = { unpack(ARGV, at + 1, at + words) }
    at = at + words + 1
  end
  return jobs
end

return command(function()
  local board, create_only = KEYS[1], MODES[ARGV[1]]
  if create_only == nil then fail('OPTION', 'JMSET starts with set or create') end
  local replies = {}
  for i, arguments in ipairs(read_jobs()) do
    replies[i] = command(put, board, arguments, create_only)
  end
  return replies
end)
