#!lua flags=allow-oom
--[[ JMACK board words token verb [option value …] [words token …] …

  Report on several tasks in one call, each as JACK would. `words` is how many arguments each has. One that is refused
  keeps none of the others from being reported. Report on no more than about a hundred at once.

    EVALSHA <JMACK> 1 {jobs} 2 tick@1763900005000#7 done 4 tock@1763900005000#8 retry delay 10

  Answers a list: for each what JACK would, the task's id, or an error.
  Errors: JOBS OPTION.
--]]
--- @include "command"
--- @include "ack"
--- @include "follow"
--- @include "words"

return command(function()
  local replies = {}
  for i, arguments in ipairs(read_words(ARGV, 1)) do replies[i] = command(ack, KEYS[1], arguments) end
  follow_endings(KEYS[1])
  return replies
end)
