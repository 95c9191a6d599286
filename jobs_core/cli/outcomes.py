"""The colors of outcomes on a terminal, which only repeat what the words say."""

from __future__ import annotations

_COLORS = {
    "done": "green",
    "dead": "red",
    "cancelled": "yellow",
    "skipped": "yellow",
    "coalesced": "yellow",
}


def outcome_color(cell: str) -> str | None:
    """Return the color of a cell that begins with an outcome, or None."""
    return _COLORS.get(cell.partition(" ")[0])
