"""What applying a board file changes, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from jobs_core.cli.bulk import progress
from jobs_core.cli.common import (
    echo,
    echo_json,
)
from jobs_core.text import visible
from jobs_core.wording import readable, schedule_text

if TYPE_CHECKING:
    from jobs_core.client.apply import Change, Plan

SIGNS = {"add": "+", "change": "~", "remove": "-", "adopt": "="}
COLORS = {"add": "green", "change": "yellow", "remove": "red", "adopt": "cyan"}
PLANNED = {"add": "to add", "change": "to change", "remove": "to remove", "adopt": "to adopt"}
APPLIED = {"add": "added", "change": "changed", "remove": "removed", "adopt": "adopted"}

compare_progress = partial(progress, "compared")
"""Shows how many jobs were compared: the `progress` of `apply_board`."""


@contextmanager
def echo_refusals() -> Iterator[None]:
    """Print the problems of a RefusedError on standard error, and raise it again."""
    from jobs_core.boardfile.apply import RefusedError

    try:
        yield
    except RefusedError as error:
        for problem in error.problems:
            echo(str(problem), err=True)
        raise


def echo_plan(
    plan: Plan,
    board_name: str,
    *,
    dry_run: bool = False,
    show_payload: bool = False,
    as_json: bool = False,
    err: bool = False,
) -> None:
    """Print each change, and how many there are of each kind.

    Args:
        dry_run: Say what would change, not what has changed.
        show_payload: Show payloads before and after.
        as_json: Print one JSON object for each change, and no summary.
        err: Print on standard error.
    """
    for change in sorted(plan.changes, key=lambda change: change.id):
        if as_json:
            described = {"board": board_name, "id": change.id, "change": change.kind}
            echo_json(described | _differences(change, show_payload))
        else:
            line = f"{SIGNS[change.kind]} {_change_text(change, show_payload)}"
            click.secho(visible(line), fg=COLORS[change.kind], err=err)
    if not as_json:
        words = PLANNED if dry_run else APPLIED
        counts = [f"{plan.count(kind)} {word}" for kind, word in words.items() if plan.count(kind)]
        echo(f"board {board_name}: {', '.join([*counts, f'{plan.same} unchanged'])}", err=err)


def _change_text(change: Change, show_payload: bool) -> str:
    if change.kind == "add":
        new = change.after or {}
        return f"{change.id}  {new['runner']}  {_alert_text(new) if 'when' in new else schedule_text(new)}"
    if change.kind != "change":
        return change.id
    return f"{change.id}  " + ", ".join(_option_text(change, name, show_payload) for name in change.names)


def _alert_text(alert: Mapping[str, Any]) -> str:
    """Describe an alert in a few words: `failed 3, for team=payments`."""
    return ", for ".join(filter(None, (alert["when"], ", ".join(alert.get("for", ())))))


def _option_text(change: Change, name: str, show_payload: bool) -> str:
    if name == "payload" and not show_payload:
        return name
    old, new = (_value_text(name, side) for side in (change.before, change.after))
    return f"{name}: {old} → {new}"


def _value_text(name: str, side: Mapping[str, Any] | None) -> str:
    return str(readable(name, side[name])) if side and name in side else "-"


def _differences(change: Change, show_payload: bool) -> dict[str, dict[str, Any]]:
    """Return the options that differ, under `before` and `after`, for the sides that exist."""
    names = [name for name in change.names if show_payload or name != "payload"]
    sides = {"before": change.before, "after": change.after}
    return {
        word: {name: side[name] for name in names if name in side} for word, side in sides.items() if side
    }
