"""The command line. It parses and prints; the client and the board files do the rest."""

from __future__ import annotations

import os
import signal
import sys
import threading
from importlib import import_module
from typing import Any

import click

from jobs_core import __version__
from jobs_core.cli.streams import (
    checked_output,
    discard_output,
    fill_closed_streams,
    is_write_error,
    write_error,
)
from jobs_core.contract import LOG_THREAD
from jobs_core.errors import JobsError
from jobs_core.plugins.manager import Plugins
from jobs_core.text import visible


class Cli(click.Group):
    """The group `jobs`: built-in commands, commands of plugins, and errors as one sentence."""

    plugins: Plugins | None = None

    def load_plugins(self) -> Plugins:
        """Load the plugins once, with their commands. With --no-plugins, load the built-in one only."""
        context = click.get_current_context(silent=True)
        if context is not None and context.find_root().params.get("no_plugins"):
            return Plugins()
        if self.plugins is None:
            try:
                self.plugins = Plugins.load()
            except JobsError as error:
                raise Failure(str(error), error.exit_code) from error
            self.plugins.add_commands(self)
        return self.plugins

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the options before the command. Point out those that belong after it."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            name = error.option_name
            if name not in ("--url", "--board", "--json"):
                raise
            raise click.UsageError(f"{name} goes after the command: jobs list {name}", ctx) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List all commands, including those of plugins."""
        self.load_plugins()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Find a command. Plugins are loaded only for commands that are not built in."""
        if name not in self.commands:
            self.load_plugins()
        return super().get_command(ctx, name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. Errors become one sentence and an exit code, without a traceback."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            error.message = visible(error.message)  # type: ignore[misc]
            raise
        except (click.exceptions.Exit, click.Abort):
            raise
        except JobsError as error:
            raise Failure(str(error), error.exit_code) from error
        except BrokenPipeError:
            discard_output()  # the reader has closed its end
            ctx.exit(1)
        except Exception as error:
            if os.environ.get("JOBS_DEBUG") == "1":
                raise
            if isinstance(error, OSError) and is_write_error(error):
                raise Failure(write_error(error), 1) from error
            raise Failure(
                f"{type(error).__name__}: {error} (set JOBS_DEBUG=1 for the traceback)", 1
            ) from error


class Failure(click.ClickException):
    """An error that click prints as `Error: <sentence>`, with its own exit code."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(visible(sentence))
        self.exit_code: int = exit_code  # type: ignore[misc]


EPILOG = """\b
Start a server and a worker, then put a job from another terminal:
  jobs up
  jobs put tick shell date --every 5
  jobs list

\b
Your shell has a builtin of the same name. Type job instead, or put
  eval "$(job completion bash)"
in your .bashrc, which also enables completion."""


@click.group(
    cls=Cli, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, package_name="jobs-core", prog_name="jobs")
@click.option("--no-plugins", is_flag=True, help="Load only the built-in plugin.")
def cli(no_plugins: bool) -> None:
    """A full-featured scheduler that runs inside Redis."""


class _Terminated(SystemExit):
    """SIGTERM, for commands that do not handle it: they clean up, so that no private server stays behind."""


def _terminate(number: int, frame: object) -> None:
    raise _Terminated(128 + number)


def main() -> None:
    """Run `jobs`."""
    fill_closed_streams()
    signal.signal(signal.SIGTERM, _terminate)
    try:
        with checked_output():
            cli(prog_name="jobs")
    except _Terminated:  # end by the signal: for systemd, unlike exit code 143, that is no failure
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
    except SystemExit as end:
        if any(thread.name.startswith(LOG_THREAD) for thread in threading.enumerate()):
            os._exit(end.code if isinstance(end.code, int) else 1)  # Python would wait for a stuck logger
        raise


def report() -> None:
    """Run `jobs ack`, as the program `jobs-ack`."""
    sys.argv.insert(1, "ack")
    main()


MODULES = (
    "acl",
    "alert",
    "alert_open",
    "backfill",
    "board",
    "changes",
    "crontab",
    "dead",
    "digest",
    "doctor",
    "dump",
    "edit",
    "explain",
    "forecast",
    "graph",
    "jobs",
    "labels",
    "limits",
    "lint",
    "listing",
    "logs",
    "plugin",
    "preview",
    "retention",
    "runs",
    "service",
    "setup",
    "stats",
    "task_output",
    "tasks",
    "top",
    "up",
    "why",
    "worker",
    "workers",
)
"""The modules with commands. Of a module with groups, only the groups are commands of `jobs`."""


def _add_commands() -> None:
    for name in MODULES:
        module = import_module(f"jobs_core.cli.{name}")
        commands = [found for found in vars(module).values() if isinstance(found, click.Command)]
        groups = [found for found in commands if isinstance(found, click.Group)]
        for command in groups or commands:
            cli.add_command(command)


_add_commands()
