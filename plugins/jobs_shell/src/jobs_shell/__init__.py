"""The shell runner: run command lines and programs. `jobs respond` turns any command into a runner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jobs_core import Context, Job, Outcome, Runner, Setting, Task, UserError, WorkerInfo, hookimpl
from jobs_shell.payload import SCHEMA, check, read
from jobs_shell.quoting import quote

if TYPE_CHECKING:
    import click


def run(task: Task, context: Context) -> Outcome:
    """Run the command of a task.

    >>> run(task, context).data["output"]
    'hello'
    """
    from jobs_shell.execute import execute

    try:
        command = read(task.payload)
    except UserError as error:
        return Outcome.refused(error)
    return execute(command, task, context)


@hookimpl
def jobs_runners() -> Iterator[Runner]:
    """Provide the `shell` runner."""
    yield Runner("shell", run, "Run a command line or a program", short="line", schema=SCHEMA, quote=quote)


@hookimpl
def jobs_settings() -> Iterator[Setting]:
    """Declare which variables of the worker commands may have."""
    yield Setting(
        "shell_env",
        ["JOBS_DATA"],
        "Variables that commands inherit although Jobs withholds others: JOBS_REDIS_URL for $JOBS_ACK",
    )


@hookimpl
def jobs_validate(job: Job) -> None:
    """Reject an invalid payload of the shell runner."""
    if job.runner == "shell":
        check(job.payload)


@hookimpl
def jobs_startup(context: WorkerInfo) -> None:
    """Prepare the worker, so that the first commands start immediately."""
    if "shell" in context.runners:
        from jobs_shell.execute import prepare

        prepare()


@hookimpl
def jobs_commands(cli: click.Group) -> None:
    """Add `jobs respond`."""
    from jobs_shell.respond import add_respond

    add_respond(cli)
