"""The check of `jobs doctor` for alerts: that they reach somebody."""

from __future__ import annotations

from collections.abc import Sequence

from jobs_core.alerts.rule import Alert
from jobs_core.context import BoardLike
from jobs_core.contract import Finding

MOST = 1000
"""The latest dead letters that are looked at."""

NAMED = 3
"""Alerts that a sentence names at most."""


def check_alerts(board: BoardLike) -> Finding:
    """Report alerts of which somebody was not told, and those whose tasks no worker takes."""
    dead = _untold(board)
    if dead:
        return Finding(
            "problem",
            f"somebody was not told: {len(dead)} task{'s' * (len(dead) > 1)} of {_names(dead)} failed",
            "see `jobs dead list`, and tell it with `jobs dead retry`",
        )
    alerts = list(board.alert_list())
    unserved = _unserved(board, alerts)
    if unserved:
        return Finding(
            "problem",
            f"no worker serves the queue {unserved[0][1]!r} of the alert {unserved[0][0]}"
            + (f", nor those of {len(unserved) - 1} others" if len(unserved) > 1 else ""),
            f"start a worker with its runner: `jobs run --queue {unserved[0][1]}`",
        )
    failing = 0 if alerts else int(board.client.zcard(board.keys.failing))
    if failing:
        jobs = "1 job fails" if failing == 1 else f"{failing:,} jobs fail"
        return Finding("ok", f"no alerts, and {jobs}", "have somebody told: see `jobs alert put --help`")
    return Finding("ok", "all alerts have reached somebody")


def _untold(board: BoardLike) -> list[str]:
    """Return the alert of each dead letter of one."""
    tickets = board.client.zrange(board.keys.dead, -MOST, -1)
    return [str(ticket).partition("@")[0] for ticket in tickets if str(ticket).startswith("alert:")]


def _names(tasks: list[str]) -> str:
    names = sorted({name.removeprefix("alert:") for name in tasks})
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} others" if len(names) > NAMED else "")


def _unserved(board: BoardLike, alerts: Sequence[Alert]) -> list[tuple[str, str]]:
    """Return the alerts whose queues no living worker serves, with the queue; none if no worker lives."""
    living = [worker for worker in board.workers() if worker["state"] != "silent"]
    served = {queue for worker in living for queue in worker["queues"]}
    queues = ((alert.name, alert.queue or alert.runner) for alert in alerts if living)
    return [(name, queue) for name, queue in queues if queue not in served]
