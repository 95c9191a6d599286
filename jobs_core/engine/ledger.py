"""What the ledger promises: of what each of its totals is made."""

from __future__ import annotations

from collections.abc import Mapping

SUMS: Mapping[str, tuple[str, ...]] = {
    "due": ("queued", "coalesced", "skipped"),
    "queued": ("done", "dead", "cancelled", "unleased", "in_flight"),
}


def total(stats: Mapping[str, int], name: str) -> int:
    """What a total should be, by its parts.

    >>> total({"queued": 2, "coalesced": 1, "skipped": 0}, "due")
    3
    """
    return sum(stats[part] for part in SUMS[name])
