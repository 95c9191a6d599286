"""What alerts tell of now, as pages show it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from jobs_core import Alert, Board, Incident

READ = 500
"""Incidents that a page reads at most."""

NAMED = 3
"""Jobs and queues that are named of each alert in a list."""


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert that fires.

    Args:
        name: Its name.
        incidents: Some of what it tells of, the oldest first.
        more: How many more there are, as far as is known.
    """

    name: str
    incidents: list[Incident]
    more: int = 0

    @property
    def since(self) -> float:
        """Since when it fires, in epoch seconds."""
        return self.incidents[0].since


def firing(board: Board, alerts: Iterable[Alert] = ()) -> dict[str, Firing]:
    """Return the alerts that fire, by name: those that have fired for longest first.

    Args:
        board: The board.
        alerts: Alerts whose number of incidents is known.
    """
    counts = {alert.name: alert.open for alert in alerts}
    found = sorted(islice(board.alert_open(), READ), key=lambda one: one.since)
    by_alert: dict[str, list[Incident]] = {}
    for one in found:
        by_alert.setdefault(one.alert, []).append(one)
    return {name: _firing(name, some, counts) for name, some in by_alert.items()}


def _firing(name: str, found: list[Incident], counts: Mapping[str, int]) -> Firing:
    total = max(counts.get(name, 0), len(found))
    return Firing(name, found[:NAMED], total - len(found[:NAMED]))
