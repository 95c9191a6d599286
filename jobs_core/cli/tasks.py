"""Commands about tasks: push ack cancel."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import click

from jobs_core.cli.bulk import Lines, report_bulk, warned, with_defaults
from jobs_core.cli.common import (
    because_option,
    connected,
    echo,
    echo_job_warnings,
    echo_json,
    given,
    job_options,
    json_option,
    open_board,
    stdin_option,
)
from jobs_core.cli.label_option import LABEL
from jobs_core.cli.selection import select_jobs
from jobs_core.cli.task_output import KEEP, show_output
from jobs_core.errors import OptionError
from jobs_core.options import PUSH_OPTIONS
from jobs_core.tracing import trace_of


@click.command()
@click.argument("runner_or_job", required=False)
@click.argument("payload", required=False)
@job_options(PUSH_OPTIONS)
@click.option("--label", **LABEL, help="Run all jobs with this label now. Repeatable: all must match.")
@click.option("--wait", is_flag=True, help="Print the output of the task, and exit with its code.")
@stdin_option
@json_option
@connected
@click.pass_context
def push(
    ctx: click.Context,
    /,
    runner_or_job: str | None,
    payload: str | None,
    label: list[str] | None,
    wait: bool,
    from_stdin: bool,
    as_json: bool,
    url: str | None,
    board_name: str,
    **options: Any,
) -> None:
    """Queue a one-off task, or run a job now.

    Prints the id of the task. Running a job now does not change its schedule.

    With --wait, prints the output of the task instead. The exit code is 0 if the task succeeds, else the
    task's own code, or 1 if it has none. The output is kept for an hour, or as long as --keep says.

    \b
      jobs push shell 'echo hi' --in 10m
      jobs push backup                        # run this job now
      jobs push --label team=payments         # run all of these jobs now
      jobs push shell 'make test' --wait --timeout 10m
      jobs push shell ./reindex --unique-for 1h --priority 5
      jobs push backup --idempotency-key "$ORDER"      # again with this key: prints the same task
      jobs push -S < tasks.jsonl              # {"runner": …, "payload": …}

    If TRACEPARENT (and TRACESTATE) are in the environment, the task continues that trace, as with
    --traceparent.
    """
    board = open_board(url, board_name)
    if options["traceparent"] is None:
        options |= trace_of(os.environ, upper=True)
    if options["idempotency_key"] is not None and (from_stdin or label is not None):
        raise OptionError("--idempotency-key is of one push. Remove --stdin or --label.")
    if wait:
        if from_stdin:
            raise OptionError("--wait follows one task. Remove --stdin.")
        options["keep"] = options["keep"] or KEEP
    if from_stdin:
        lines = Lines()
        tasks = warned(lines, with_defaults(lines, given(options)), board.plugins)
        report_bulk("pushed", lines, board.push_many(tasks))
        return
    if label is not None:
        if runner_or_job is not None or wait:
            raise OptionError("--label runs jobs. Remove the arguments and --wait.")
        for id in select_jobs(board, (), label):
            _echo_pushed(board.push(id, **given(options)), as_json=as_json)
        return
    if runner_or_job is None:
        raise OptionError("push needs RUNNER PAYLOAD, the id of a job, --label, or --stdin.")
    task = board.push(runner_or_job, payload, **given(options))
    if payload is not None:
        echo_job_warnings(board, task, runner_or_job, payload, {})
    if wait:
        ctx.exit(show_output(board, task, follow=True, as_json=as_json))
    _echo_pushed(task, as_json=as_json)


def _echo_pushed(task: str, *, as_json: bool) -> None:
    if as_json:
        echo_json({"task": task})
    else:
        echo(task)


@click.command()
@click.argument("token", envvar="JOBS_TOKEN")
@click.option(
    "--failed", "verb", flag_value="failed", help="Report a failure. The policy decides what follows."
)
@click.option(
    "--progress",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Report progress. The task continues.",
)
@click.option("--note", help="One line of text for people.")
@click.option("--code", help="A short code for the policy: an exit code, an HTTP status.")
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
    """Report the outcome or progress of a task by its token.

    Without --failed or --progress, the task is done. The runner receives TOKEN with the task; jobs-shell
    passes it to commands as JOBS_TOKEN, from which it is read if you leave it out. Such a command calls the
    program in JOBS_ACK, since its shell may have a builtin named jobs.

    If another attempt has begun or the task has ended, the token no longer holds the task. Then nothing
    changes, and the exit code is 1.

    \b
      jobs ack "$JOBS_TOKEN"
      jobs ack "$JOBS_TOKEN" --progress 40 --note '2 of 5 files'
      jobs ack "$JOBS_TOKEN" --failed --code 503
      "$JOBS_ACK" --progress 40               # in a script that a task runs
    """
    if verb and progress is not None:
        raise OptionError("--failed ends the attempt, --progress continues it. Pass only one of them.")
    verb = verb or ("done" if progress is None else "update")
    options = {"progress": progress, "note": note, "code": code}
    echo(open_board(url, board_name).ack(token, verb, **options))  # type: ignore[arg-type]


@click.command()
@click.argument("ids", nargs=-1)
@click.option("--job", "jobs", multiple=True, metavar="ID", help="Cancel all tasks of this job.")
@click.option(
    "--label", **LABEL, help="Cancel all tasks whose job had this label. Repeatable: all must match."
)
@because_option
@json_option
@connected
def cancel(
    ids: tuple[str, ...],
    jobs: tuple[str, ...],
    label: list[str] | None,
    because: str | None,
    as_json: bool,
    url: str | None,
    board_name: str,
) -> None:
    """Cancel waiting or running tasks.

    A waiting task ends at once. A running task receives a request to stop. --job cancels all tasks of a job,
    and --label those with a label, but the jobs go on: pause them first, or remove them.

    \b
      jobs cancel backup@1795441178194
      jobs pause backup && jobs cancel --job backup
      jobs cancel --label team=payments
    """
    if not (ids or jobs or label):
        raise OptionError("cancel needs the ids of tasks, --job ID, or --label NAME=VALUE.")
    board = open_board(url, board_name)
    if label:
        counts = board.cancel_job(label=label)
        if as_json:
            echo_json({"label": label} | counts)
        else:
            echo(_cancelled_text(", ".join(label), counts))
    for job in jobs:
        counts = board.cancel_job(job, because=because)
        if not any(counts.values()):
            board.show(job)  # an unknown job is an error
        if as_json:
            echo_json({"job": job} | counts)
        else:
            echo(_cancelled_text(job, counts))
    for id in ids:
        state = board.cancel(id, because=because)
        if as_json:
            echo_json({"task": id, "state": state})
        else:
            echo(f"{id}: {'asked to stop' if state == 'cancelling' else state}")


def _cancelled_text(what: str, counts: Mapping[str, int]) -> str:
    return f"{what}: {counts['cancelled']} cancelled, {counts['cancelling']} asked to stop"
