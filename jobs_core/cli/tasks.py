"""Commands about tasks: push tasks history ack cancel."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import click

from jobs_core.cli.common import (
    F,
    bulk,
    connected,
    echo_json,
    echo_table,
    given,
    job_options,
    json_option,
    open_board,
    stdin_lines,
    stdin_option,
    when,
)
from jobs_core.cli.jobs import with_defaults
from jobs_core.cli.output import KEEP, show_output
from jobs_core.errors import OptionError
from jobs_core.options import PUSH_OPTIONS

STATES = ("queued", "held", "delayed", "leased", "accepted", "dead")


def task_filters(function: F) -> F:
    """Give a command the filters of `Board.tasks`."""
    options = (
        click.option("--job", metavar="ID", help="Only tasks of this job."),
        click.option("--runner", metavar="NAME", help="Only tasks of this runner."),
        click.option("--queue", metavar="NAME", help="Only tasks of this queue."),
        click.option("--older-than", metavar="DURATION", help="Only those in their state for so long: 7d."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.command()
@click.argument("runner_or_job", required=False)
@click.argument("payload", required=False)
@job_options(PUSH_OPTIONS)
@click.option("--wait", is_flag=True, help="Print what the task prints, and exit as it does.")
@stdin_option
@json_option
@connected
@click.pass_context
def push(
    ctx: click.Context,
    /,
    runner_or_job: str | None,
    payload: str | None,
    wait: bool,
    from_stdin: bool,
    as_json: bool,
    url: str | None,
    board_name: str,
    **options: Any,
) -> None:
    """Queue a one-off task, or run a job now.

    Prints the id of the task. A job that is run now keeps its schedule. With --wait the task's own output is
    printed instead, and the exit code is 0 when it has succeeded, else its own (or 1); what it printed is
    kept for an hour, or as long as --keep says.

    \b
      jobs push shell 'echo hi' --in 10m
      jobs push backup                        # the job of that id
      jobs push shell 'make test' --wait --timeout 10m
      jobs push shell ./reindex --unique-for 1h --priority 5
      jobs push -S < tasks.jsonl              # {"runner": …, "payload": …}
    """
    board = open_board(url, board_name)
    if wait:
        if from_stdin:
            raise OptionError("--wait is for one task: leave --stdin out")
        options["keep"] = options["keep"] or KEEP
    if from_stdin:
        bulk("pushed", board.push_many(with_defaults(stdin_lines(), given(options))))
        return
    if runner_or_job is None:
        raise OptionError("push needs RUNNER PAYLOAD, the id of a job, or --stdin")
    task = board.push(runner_or_job, payload, **given(options))
    if wait:
        ctx.exit(show_output(board, task, follow=True, as_json=as_json))
    if as_json:
        echo_json({"task": task})
    else:
        click.echo(task)


@click.command()
@click.option("--state", type=click.Choice(STATES), help="Only tasks in this state (default: all but dead).")
@task_filters
@click.option("--limit", type=click.IntRange(min=1), help="Show at most so many.")
@json_option
@connected
def tasks(limit: int | None, as_json: bool, url: str | None, board_name: str, **filters: Any) -> None:
    """List tasks that wait or run.

    With where they stand, in whose hands, and how earlier attempts fared.

    \b
      jobs tasks --job backup
      jobs tasks --state leased --older-than 1h
      jobs tasks --json --state accepted | jq -r .ticket
    """
    show_tasks(islice(open_board(url, board_name).tasks(**filters), limit), as_json)


def show_tasks(tasks: Iterable[dict[str, Any]], as_json: bool) -> None:
    """Print tasks: in whose hands they are, how far, and how they fared before."""
    if as_json:
        for task in tasks:
            echo_json(task)
        return
    found = sorted(tasks, key=lambda task: (task["state"], task.get("since") or task["due"]))
    rows = (
        (task["id"], task["state"], task["attempt"], when(task.get("since")), _where(task)) for task in found
    )
    echo_table(("task", "state", "attempt", "since", ""), rows)


def _where(task: dict[str, Any]) -> str:
    """What there is to say of a task in a few words: its worker, progress, and note or last failure."""
    words = [task["worker"]] if "worker" in task else []
    if "until" in task and task["state"] == "delayed":
        words.append(f"until {when(task['until'])}")
    if task.get("cancelling"):
        words.append("to be cancelled")
    if "progress" in task:
        words.append(f"{task['progress']:g} %")
    last = task["history"][-1] if task["history"] else None
    if "note" in task:
        words.append(task["note"])
    elif last is not None:
        words.append(f"{last['status']} {last['note'] or last['code']}".rstrip())
    return ", ".join(words)


@click.command()
@click.argument("task", required=False)
@click.option("--job", metavar="ID", help="Only tasks of this job.")
@click.option("--count", type=click.IntRange(min=1), default=20, show_default=True, help="How many entries.")
@json_option
@connected
def history(
    task: str | None, job: str | None, count: int, as_json: bool, url: str | None, board_name: str
) -> None:
    """Show what became of tasks, the latest first.

    The board keeps about the last 10,000 entries.

    \b
      jobs history
      jobs history backup@1795441178194
      jobs history --job backup --count 100 --json
    """
    entries = islice(open_board(url, board_name).history(task=task, job=job), count)
    if as_json:
        for entry in entries:
            echo_json(entry)
        return
    rows = (
        (
            when(entry["time"]),
            entry["task"],
            entry["attempt"],
            entry["what"],
            " ".join(filter(None, (_percent(entry), entry.get("note")))),
        )
        for entry in entries
    )
    echo_table(("time", "task", "attempt", "what", "note"), rows)


def _percent(entry: dict[str, Any]) -> str:
    return f"{entry['progress']} %" if "progress" in entry else ""


@click.command()
@click.argument("token")
@click.option("--fail", "verb", flag_value="fail", help="It has failed: its policy decides what follows.")
@click.option("--progress", type=click.FloatRange(0, 100), help="It goes on, and is so far, in percent.")
@click.option("--note", help="One line for people.")
@click.option("--code", help="A short word for policies: an exit code, an HTTP status.")
@connected
def ack(
    token: str,
    verb: str | None,
    progress: float | None,
    note: str | None,
    code: str | None,
    url: str | None,
    board_name: str,
) -> None:
    """Call back: report on a task by its token.

    It is done, unless --fail or --progress says otherwise. TOKEN is what its runner was given; a command of
    jobs-shell finds it in JOBS_TOKEN. When it no longer holds the task, because another attempt began or the
    task has ended, nothing changes and the exit code is 1.

    \b
      jobs ack "$JOBS_TOKEN"
      jobs ack "$JOBS_TOKEN" --progress 40 --note '2 of 5 files'
      jobs ack "$JOBS_TOKEN" --fail --code 503
    """
    if verb and progress is not None:
        raise OptionError("--fail ends the attempt, and --progress says that it goes on: give one of them")
    verb = verb or ("done" if progress is None else "update")
    options = {"progress": progress, "note": note, "code": code}
    click.echo(open_board(url, board_name).ack(token, verb, **options))  # type: ignore[arg-type]


@click.command()
@click.argument("ids", nargs=-1, required=True)
@json_option
@connected
def cancel(ids: tuple[str, ...], as_json: bool, url: str | None, board_name: str) -> None:
    """Cancel tasks, waiting or running.

    Those that wait end at once; those that run are told to stop.

    \b
      jobs cancel backup@1795441178194
    """
    board = open_board(url, board_name)
    for id in ids:
        state = board.cancel(id)
        if as_json:
            echo_json({"task": id, "state": state})
        else:
            click.echo(f"{id}: {'told to stop' if state == 'cancelling' else state}")
