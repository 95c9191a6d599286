"""`jobs respond`: turn a command into a runner."""

from __future__ import annotations

import shlex
from typing import Any

import click

from jobs_core import Context, OptionError, Outcome, Runner, Task
from jobs_shell.payload import SHELL, Command

PLACEHOLDER = "{payload}"


def responder(type: str, command: str) -> Runner:
    """Return a runner named `type` that runs `command` for each task. Raises OptionError.

    The payload goes to standard input, or replaces `{payload}` in the command as a single word.

    >>> responder("greet", "echo hello {payload}").name
    'greet'
    """
    before, *after = command.split(PLACEHOLDER)
    for part in after:
        if _quoted(before):
            raise OptionError("write {payload} outside of quotes: Jobs quotes it")
        before += part
    line = command.replace(PLACEHOLDER, '"$1"')  # the shell expands it once, so a payload never runs as code

    def run(task: Task, context: Context) -> Outcome:
        from jobs_shell.execute import execute

        if after:
            return execute(Command([SHELL, "-c", line, type, task.raw], input=""), task, context)
        return execute(Command([SHELL, "-c", line], input=task.raw), task, context)

    return Runner(type, run, f"Run {command}")


def _quoted(text: str) -> bool:
    """Whether a quote is still open at the end of this part of a command line."""
    try:
        shlex.split(text)
    except ValueError:
        return True
    return False


def add_respond(cli: click.Group) -> None:
    """Add `jobs respond` to the command line."""
    from jobs_core.plugin_cli import connected, serve, worker_options

    @cli.command()
    @click.argument("type")
    @click.argument("command")
    @worker_options
    @connected
    @click.pass_context
    def respond(ctx: click.Context, /, type: str, command: str, **options: Any) -> None:
        """Run COMMAND for each task of the runner TYPE.

        The payload goes to standard input, or replaces {payload} in COMMAND.

        Example: jobs respond greet 'echo hello {payload}'
        """
        serve(ctx, [responder(type, command)], **options)
