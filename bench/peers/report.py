"""Measurements of all systems, printed as a table or as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field

import click

from bench.peers.environments import PeerError
from bench.peers.measure import lateness, rate
from bench.peers.systems import JOBS, SYSTEMS, System
from jobs_core import Board
from jobs_core.cli.common import echo_json, echo_table

ROUNDS = 3
"""Rounds in which the systems take turns, so that other load affects all of them. The best rate counts."""

PROCESSES = (1, 4)

MOST = 20000
"""Maximum number of tasks, however many jobs other measurements use."""

HEADINGS = (
    "",
    "version",
    "1 process, tasks/s",
    "4 processes, tasks/s",
    "Jobs / peer, 1",
    "Jobs / peer, 4",
    "worst round, 1 and 4",
    "late, median ms",
    "worst ms",
)


@dataclass(slots=True)
class Row:
    """The measurements of a system."""

    system: System
    rates: dict[int, list[float]] = field(default_factory=dict)
    """Tasks per second by number of processes, one per round."""
    late: list[float] = field(default_factory=list)
    """Lateness in ms over all rounds. With polling workers, it depends on when they started."""
    trouble: str = ""

    def measure(self, board: Board, url: str, count: int) -> None:
        """Measure one round."""
        if self.trouble:
            return
        try:
            for processes in PROCESSES:
                found = rate(self.system, board, url, processes, count)
                self.rates.setdefault(processes, []).append(found)
            self.late += lateness(self.system, board, url)
        except PeerError as error:
            self.trouble = str(error)

    def ratios(self, jobs: Row) -> list[float | None]:
        """Return the best rates of Jobs divided by the best rates of this system."""
        return [
            max(jobs.rates[processes]) / max(self.rates[processes])
            if processes in jobs.rates and processes in self.rates
            else None
            for processes in PROCESSES
        ]


def compare(board: Board, url: str, count: int, names: Iterable[str], as_json: bool) -> None:
    """Measure Jobs and its peers, and print the results."""
    rows = [Row(system) for system in SYSTEMS if system is JOBS or _chosen(system, [*names])]
    for number in range(1, ROUNDS + 1):
        for row in rows:
            click.echo(f"round {number}: {row.system.name} ...", err=True)
            row.measure(board, url, min(count, MOST))
    if as_json:
        for row in rows:
            echo_json(_as_data(row, rows[0]))
        return
    echo_table(HEADINGS, (_as_cells(row, rows[0]) for row in rows))
    for row in rows:
        if row.trouble:
            click.echo(f"{row.system.name}: {row.trouble}")


def _chosen(system: System, names: list[str]) -> bool:
    return not names or any(name.lower() in system.name.lower() for name in names)


def _as_cells(row: Row, jobs: Row) -> list[str]:
    best = [f"{max(row.rates[processes]):,.0f}" if processes in row.rates else "-" for processes in PROCESSES]
    worst = " ".join(f"{min(rates):,.0f}" for rates in row.rates.values())
    ratios = ["-" if ratio is None else f"{ratio:.1f}" for ratio in row.ratios(jobs)]
    late = [f"{statistics.median(row.late):,.1f}", f"{max(row.late):,.1f}"] if row.late else ["-", "-"]
    return [row.system.name, row.system.version, *best, *ratios, worst, *late]


def _as_data(row: Row, jobs: Row) -> dict[str, object]:
    return {
        "system": row.system.name,
        "version": row.system.version,
        "tasks_per_second": row.rates,  # of every round
        "jobs_ratio": dict(zip(PROCESSES, row.ratios(jobs), strict=True)),
        "late_ms": {"median": statistics.median(row.late), "worst": max(row.late)} if row.late else None,
        "trouble": row.trouble or None,
    }
