"""The command that shows who changed what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from jobs_core.cli.common import connected, open_board
from jobs_core.cli.lists import list_options, print_list
from jobs_core.cli.patterns import shortened
from jobs_core.cli.table import Column
from jobs_core.wording import local_time, readable, when

COLUMNS = (
    Column("time", whole=True),
    Column("by"),
    Column("what", whole=True),
    Column("target"),
    Column("change"),
    Column("because"),
)


@click.command()
@click.argument("job", required=False)
@click.option("--payload", is_flag=True, help="Show payloads, which may be secret.")
@list_options
@connected
def changes(job: str | None, payload: bool, url: str | None, board_name: str, **options: Any) -> None:
    """Show who changed what on the board, newest first: all changes, or those of one job.

    Each call is one line, even if it changed many jobs. For one of those jobs, `jobs changes JOB` shows what
    it was before. A job that has been removed keeps its changes. Times are local.

    \b
      jobs changes
      jobs changes report --limit 5
      jobs changes report --json --payload | jq .before
    """
    board = open_board(url, board_name)
    print_list(map(_as_item, board.changes(job, payload=payload)), COLUMNS, _row, **options)


def _as_item(change: Any) -> dict[str, Any]:
    from jobs_core.changes import as_plain

    return as_plain(change)


def _row(item: Mapping[str, Any]) -> Iterable[Any]:
    because = item.get("because", "")
    return (
        local_time(item["time"]),
        item["by"],
        item["what"],
        _subject(item),
        ", ".join(_details(item)),
        because,
    )


def _subject(item: Mapping[str, Any]) -> str:
    """Return what a change is about: jobs, or a queue, a runner, a task or a board file."""
    jobs = item.get("jobs", [])
    if "target" not in item:
        return ", ".join(shortened(jobs))
    return f"{item['target']}: {', '.join(shortened(jobs))}" if item["what"] == "apply" else item["target"]


def _details(item: Mapping[str, Any]) -> Iterator[str]:
    before, after = item.get("before"), item.get("after")
    if "count" in item:
        yield f"{item['count']} task{'s' * (item['count'] != 1)}"
    if item["what"] == "pause" and after and "paused-until" in after:
        yield f"until {when(after['paused-until'])}"
    for name in item.get("differences", []):
        yield f"{name} {_value_text(name, before)} → {_value_text(name, after)}"
    if item.get("payload_changed") and "payload" not in item.get("differences", []):
        yield "payload changed"


def _value_text(name: str, side: Mapping[str, Any] | None) -> str:
    if not side or name not in side:
        return "-"
    text = str(readable(name, side[name]))
    return f"'{text}'" if " " in text else text
