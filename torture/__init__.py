"""Random faults against a whole board: real processes, real servers, and a checker of every occurrence.

    feeder ──► proxy ──► server (and a replica) ◄── proxy ◄── workers, clocks
       │                    ▲                                     │
       └─► asked ──► checker ──► verdict ◄── ran ◄────────────────┘

The feeder logs what Redis acknowledged (`asked`), and workers log what they ran (`ran`), while faults hit
everything. The checker compares both logs with the ledger.
"""
