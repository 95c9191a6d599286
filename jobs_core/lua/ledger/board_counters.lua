-- The counters of a board in `{b}:stats`, besides `skipped:<reason>` (see ledger/skip_reasons.lua).

local board_counters = {}

-- Those that JSTATS shows.
board_counters.SHOWN = {
  'due', 'queued', 'coalesced', 'skipped', 'done', 'dead', 'cancelled', 'unleased', 'in_flight', 'pushed', 'backfilled',
  'leased', 'retried', 'failed', 'lost', 'doubled', 'released', 'revived', 'purged', 'trimmed', 'stale',
  'waiting',
}

-- Those of them that are not kept, but counted when they are read.
board_counters.COUNTED = { in_flight = true, waiting = true }

-- That of runs after other jobs, which numbers them.
board_counters.FOLLOWED = 'followed'

return board_counters
