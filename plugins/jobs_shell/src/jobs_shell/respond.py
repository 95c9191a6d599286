"""`jobs respond`: make a runner of any command."""

from __future__ import annotations

import shlex
from typing import Any

import click

from jobs_core import Context, OptionError, Outcome, Runner, Task
from jobs_shell.payload import SHELL, Command

PLACE = "{payload}"


def responder(type: str, command: str) -> Runner:
    """A runner named `type` that runs `command` for each task. Raises OptionError.

    The payload goes to its standard input, or stands where the command says `{payload}`: as one word,
    whatever it holds.

    >>> responder("greet", "echo hello {payload}").name
    'greet'
    """
    before, *after = command.split(PLACE)
    for part in after:
        if _quoted(before):
            raise OptionError("write {payload} outside of quotes: it is quoted already")
        before += part
    line = command.replace(PLACE, '"$1"')  # the shell expands it once: no payload is ever run as code

    def run(task: Task, context: Context) -> Outcome:
        from jobs_shell.execute import execute

        if after:
            return execute(Command([SHELL, "-c", line, type, task.raw], input=""), task, context)
        return execute(Command([SHELL, "-c", line], input=task.raw), task, context)

    return Runner(type, run, f"Respond with: {command}")


def _quoted(text: str) -> bool:
    """Whether a quotation is still open at the end of a piece of a command line."""
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
        """Run COMMAND for every task of the runner TYPE.

        The payload goes on standard input, or stands where COMMAND says {payload}.

        Example: jobs respond greet 'echo hello {payload}'
        """
        serve(ctx, [responder(type, command)], **options)
