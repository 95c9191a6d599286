"""The invariants of the ledger: the parts of each total."""

from __future__ import annotations

from collections.abc import Mapping

SUMS: Mapping[str, tuple[str, ...]] = {
    "due": ("queued", "coalesced", "skipped"),
    "queued": ("done", "dead", "cancelled", "unleased", "in_flight"),
}


def total(stats: Mapping[str, int], name: str) -> int:
    """Return what a total should be: the sum of its parts.

    >>> total({"queued": 2, "coalesced": 1, "skipped": 0}, "due")
    3
    """
    return sum(stats[part] for part in SUMS[name])
