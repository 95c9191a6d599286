"""Random faults against a whole board: real processes, real servers, and a checker of every occurrence.

    feeder ──► proxy ──► server (and a replica) ◄── proxy ◄── workers, clocks
       │                    ▲                                     │
       └─► asked ──► checker ──► verdict ◄── ran ◄────────────────┘

The feeder logs what Redis acknowledged (`asked`), and workers log what they ran (`ran`), while faults hit
everything. The checker compares both logs with the ledger. Each of several boards has a feeder, logs and a
verdict.

In a cluster (`--cluster`), processes reach the nodes without proxies. One node is away at a time, since a
board has one replica. Where Redis may lose what it has acknowledged, the verdict counts what that explains.
"""
