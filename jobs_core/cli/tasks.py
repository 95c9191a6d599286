"""Commands about tasks: push ack cancel."""

from __future__ import annotations

from typing import Any

import click

from jobs_core.cli.common import (
    bulk,
    connected,
    echo_json,
    given,
    job_options,
    json_option,
    open_board,
    stdin_lines,
    stdin_option,
)
from jobs_core.cli.jobs import with_defaults
from jobs_core.cli.output import KEEP, show_output
from jobs_core.errors import OptionError
from jobs_core.options import PUSH_OPTIONS


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
    printed instead, and the exit code is 0 when it is done, else its own (or 1); what it printed is
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
@click.argument("token")
@click.option("--failed", "verb", flag_value="failed", help="It has failed: its policy decides what follows.")
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

    It is done, unless --failed or --progress says otherwise. TOKEN is what its runner was given; a command of
    jobs-shell finds it in JOBS_TOKEN. When it no longer holds the task, because another attempt began or the
    task has ended, nothing changes and the exit code is 1.

    \b
      jobs ack "$JOBS_TOKEN"
      jobs ack "$JOBS_TOKEN" --progress 40 --note '2 of 5 files'
      jobs ack "$JOBS_TOKEN" --failed --code 503
    """
    if verb and progress is not None:
        raise OptionError("--failed ends the attempt, and --progress says that it goes on: give one of them")
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
