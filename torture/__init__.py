"""Faults at random against a whole board: real processes, real servers, and a checker of every occurrence.

One picture:

    feeder ──► proxy ──► server (and a replica) ◄── proxy ◄── workers, clocks
       │                    ▲                                     │
       └─► asked ──► checker ──► verdict ◄── ran ◄────────────────┘

The feeder writes down what Redis acknowledged (`asked`), workers write down what they ran (`ran`), faults
strike everything meanwhile, and the checker compares the two with the ledger.
"""
