"""`jobs alert`: rules that tell somebody when something is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from jobs_core.alerts import Alert, Incident, alert_json, incident_json
from jobs_core.alerts.options import ALERT_OPTIONS
from jobs_core.cli.common import (
    because_option,
    connected,
    echo,
    echo_json,
    echo_table,
    given,
    job_options,
    json_option,
    open_board,
)
from jobs_core.cli.completion import completed_by
from jobs_core.cli.task_output import exit_code_of, noting_delay
from jobs_core.errors import NotFoundError, OptionError
from jobs_core.options import WORK_OPTIONS, span
from jobs_core.wording import when

if TYPE_CHECKING:
    from jobs_core.app import Board

PUT_OPTIONS = dict(sorted(ALERT_OPTIONS.items(), key=lambda item: item[0] in WORK_OPTIONS))
"""The options of an alert: those about what it tells before those of its tasks."""

if_match_option = click.option(
    "--if-match",
    metavar="ETAG",
    help="Change the alert only if this is its etag: see `jobs alert show --json`. none: only if it is new.",
)

complete_alert = completed_by(lambda board: (alert.name for alert in board.alert_list(payload=False)))
"""Completes the name of an alert."""


@click.group()
def alert() -> None:
    """Tell somebody when jobs fail, start late, run for long, or do not run at all.

    An alert is a rule with a runner and its payload. When one of its conditions is met, a task for that
    runner is queued, and a worker runs it like any other.

    \b
      jobs alert put ops shell './tell-ops {subject}' --when 'failed 3' --when 'late 10m'
      jobs alert test ops
      jobs alert list
      jobs alert remove ops
    """


@alert.command()
@click.argument("name", shell_complete=complete_alert)
@click.argument("runner")
@click.argument("payload")
@job_options(PUT_OPTIONS)
@because_option
@if_match_option
@json_option
@connected
def put(
    name: str,
    runner: str,
    payload: str,
    because: str | None,
    if_match: str | None,
    as_json: bool,
    url: str | None,
    board_name: str,
    **options: Any,
) -> None:
    """Create or replace an alert.

    The worker replaces {subject}, {job}, {reason}, {text} and other names in PAYLOAD when the task runs. The
    options set the whole alert: what you leave out is not kept.

    \b
    Conditions for --when, which repeats:
      failed 3      3 runs of a job in a row were given up; without a number, 1
      dead          a task was given up
      recovered     a job that was failing has a good run again
      done          a run is done
      late 10m      a run has not started 10 minutes after it was due
      missed        a run has not started 5 minutes after it was due, or was skipped or coalesced
      long 1h       a task runs for longer than an hour
      long 3x       a task runs for longer than 3 times as long as usual
      silent 1d     a job has had no good run for a day
      unserved      tasks wait in a queue that has had no worker for 5 minutes
      behind        nothing was queued for a minute, although it was due

    \b
      jobs alert put ops shell './tell {subject}' --when 'failed 3' --when 'late 10m' --every 4h --recovery
      jobs alert put chat http '{"url": "https://chat.example.com", "json": {"text": "{text}"}}' --when dead
      jobs alert put pay shell './page {text}' --when failed --for team=payments --for 'report-*'
      jobs alert put day shell './page {job}' --when missed --quiet 22:00-07:00 --zone Europe/Brussels
      jobs alert put mail shell './page {queue} {reason}' --when 'unserved 2m' --for queue:mail
    """
    board = open_board(url, board_name)
    board.alert_put(name, runner, payload, because=because, if_match=if_match, **given(options))
    found = board.alert_show(name)
    if as_json:
        echo_json(alert_json(found))
    else:
        echo(f"{name}: runs {runner} on {found.when}")


@alert.command("list")
@click.option("--job", metavar="ID", help="List only alerts that are for this job, or for its queue.")
@json_option
@connected
def list_(job: str | None, as_json: bool, url: str | None, board_name: str) -> None:
    """List alerts. `open` is the number of jobs and queues that an alert is telling of now.

    \b
      jobs alert list
      jobs alert list --job backup
      jobs alert list --json
    """
    found = open_board(url, board_name).alert_list(job=job, payload=as_json)
    if as_json:
        for one in found:
            echo_json(alert_json(one))
        return
    rows = ((one.name, one.when, _scope_text(one), one.runner, one.open) for one in found)
    echo_table(("name", "when", "for", "to", "open"), rows)


@alert.command()
@click.argument("names", nargs=-1, required=True, shell_complete=complete_alert)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    metavar="N",
    help="Show at most N of what an alert is telling of.",
)
@json_option
@connected
def show(names: tuple[str, ...], limit: int, as_json: bool, url: str | None, board_name: str) -> None:
    """Show alerts: their conditions, what they are for, whom they tell, and what they are telling of now.

    `since` is since when it goes on, `told` when it was told last, and `more` how often it was seen since.
    With --json, these are in `incidents`, with times in epoch seconds.

    \b
      jobs alert show ops
      jobs alert show ops --limit 100
      jobs alert show ops --json | jq -r '.incidents[].job'
    """
    board = open_board(url, board_name)
    for name in names:
        found = board.alert_show(name)
        incidents = list(islice(board.alert_open(name), limit + 1))
        if as_json:
            echo_json(alert_json(found) | {"incidents": list(map(incident_json, incidents[:limit]))})
            continue
        echo_table(("", found.name), _rows(found))
        if incidents:
            echo()
            echo_table(("what", "about", "since", "told", "more"), map(_incident_row, incidents[:limit]))
        if len(incidents) > limit:
            echo(f"There are more. See them with `jobs alert show {name} --limit {limit * 10}`.")


@alert.command()
@click.argument("names", nargs=-1, required=True, shell_complete=complete_alert)
@because_option
@if_match_option
@json_option
@connected
def remove(
    names: tuple[str, ...],
    because: str | None,
    if_match: str | None,
    as_json: bool,
    url: str | None,
    board_name: str,
) -> None:
    """Remove alerts. Tasks that they have queued still run.

    \b
      jobs alert remove ops
      jobs alert remove ops payments --because 'the team has moved'
    """
    board = open_board(url, board_name)
    if if_match is not None and len(names) > 1:
        raise OptionError(f"if-match: expected one alert, got {len(names)}", option="if-match")
    signed = {"because": because, "if_match": if_match}
    chosen = dict.fromkeys(names)
    missing = [name for name in chosen if not board.alert_remove(name, **signed)]
    if missing:
        raise NotFoundError(f"there is no alert {', '.join(map(repr, missing))} on the board {board_name!r}")
    if as_json:
        echo_json({"removed": len(chosen)})


@alert.command()
@click.argument("name", shell_complete=complete_alert)
@click.option("--wait", is_flag=True, help="Wait until the task has ended, say how, and exit with its code.")
@json_option
@connected
@click.pass_context
def test(ctx: click.Context, name: str, wait: bool, as_json: bool, url: str | None, board_name: str) -> None:
    """Queue a task of an alert, to see whether it reaches somebody. Prints the task's id.

    Quiet hours delay it, too. With --wait, the exit code is 0 if the task succeeds, else the task's own code,
    or 1 if it has none.

    \b
      jobs alert test ops
      jobs alert test ops --wait
    """
    board = open_board(url, board_name)
    id = board.alert_test(name)
    if wait:
        ctx.exit(_wait(board, id, as_json=as_json))
    if as_json:
        echo_json({"task": id})
    else:
        echo(id)


def _wait(board: Board, task: str, *, as_json: bool) -> int:
    """Wait until a task has ended, and say how. Returns its exit code."""
    with noting_delay(board, task, True):
        end = board.wait(task)
    if as_json:
        echo_json(end)
    else:
        echo(": ".join(str(part) for part in (task, end["what"], end.get("note")) if part))
    return exit_code_of(end)


def _incident_row(found: Incident) -> tuple[Any, ...]:
    return found.kind, found.about, when(found.since), when(found.told), found.more


def _scope_text(found: Alert) -> str:
    return ", ".join(found.scope) or "everything"


def _rows(found: Alert) -> Iterator[tuple[str, Any]]:
    """Yield the fields of an alert for people."""
    for name, value in alert_json(found).items():
        match name:
            case "name" | "etag":
                continue
            case "told":
                yield name, when(value)
            case "for":
                yield name, _scope_text(found)
            case "every":
                yield name, span(value)
            case "recovery":
                yield name, "yes"
            case _:
                yield name, ", ".join(value) if isinstance(value, list) else value
