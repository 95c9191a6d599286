#!lua flags=allow-oom
--[[ JTRIM board queue keep [limit n]

  Drop the oldest tasks of a queue until `keep` remain; at most `limit` (1000 unless given) a call. The ledger
  counts them as trimmed.

    EVALSHA <JTRIM> 1 {jobs} shell 1000

  Answers how many were dropped; call it again while that is `limit`.
  Errors: JOBS OPTION.
--]]
--- @include "command"
--- @include "pairs"
--- @include "count"

return command(function()
  local board, queue = KEYS[1], ARGV[1] or ''
  local keep = whole('keep', ARGV[2] or '', 0)
  local limit = whole('limit', read_pairs(ARGV, 3, { limit = true }).limit or '1000', 1)
  local list = key(board, 'queue:' .. queue)
  local excess = math.min(redis.call('LLEN', list) - keep, limit)
  if excess <= 0 then return 0 end
  redis.call('LTRIM', list, excess, -1)
  count(board, 'trimmed', excess)
  return excess
end)
