"""The command line: parse, call the client, print. No decision is made here, and no Redis is called."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from jobs_core import __version__
from jobs_core.errors import JobsError
from jobs_core.plugins.manager import Plugins


class Cli(click.Group):
    """The group `jobs`: its own commands, those of plugins, and errors as one sentence."""

    plugins: Plugins | None = None

    def load_plugins(self) -> Plugins:
        """Load the plugins once, and let them add their commands; with --no-plugins, none but our own."""
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
        """Read what stands before the command; say so of what belongs after it."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            name = error.option_name
            if name not in ("--url", "--board", "--json"):
                raise
            raise click.UsageError(f"{name} comes after the command: jobs list {name}", ctx) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, those of plugins too."""
        self.load_plugins()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Find a command; plugins are only loaded for one that is not built in."""
        if name not in self.commands:
            self.load_plugins()
        return super().get_command(ctx, name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. Our errors become one sentence and their exit code; nobody sees a traceback."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except JobsError as error:
            raise Failure(str(error), error.exit_code) from error
        except BrokenPipeError:
            # Whoever read our output has enough; keep Python from complaining when it closes it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(1)
        except Exception as error:
            if os.environ.get("JOBS_DEBUG") == "1":
                raise
            raise Failure(f"{type(error).__name__}: {error} (JOBS_DEBUG=1 shows where)", 1) from error


class Failure(click.ClickException):
    """What click prints as `Error: <sentence>`, with an exit code of its own."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code: int = exit_code  # type: ignore[misc]


EPILOG = """\b
Start a server and a worker, and put a job from another terminal:
  jobs up
  jobs put tick shell date --every 5
  jobs list

Shells have a builtin of this name: type job instead, the same program, or put
  eval "$(job completion bash)"
in your .bashrc, for completion too."""


@click.group(
    cls=Cli, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, package_name="jobs-core", prog_name="jobs")
@click.option("--no-plugins", is_flag=True, help="Load no plugin but the built-in one.")
def cli(no_plugins: bool) -> None:
    """A full-featured scheduler that runs inside Redis."""


def main() -> None:
    """The entry point of `jobs`."""
    cli(prog_name="jobs")


def _add_commands() -> None:
    from jobs_core.cli import (
        acl,
        admin,
        board,
        boardfile,
        crontab,
        dead,
        explain,
        graph,
        jobs,
        listing,
        output,
        plugin,
        preview,
        run,
        tasks,
    )

    cli.add_command(dead.dead)
    cli.add_command(boardfile.board)
    cli.add_command(crontab.import_)
    cli.add_command(crontab.export)
    cli.add_command(plugin.plugin)
    for module in (jobs, listing, preview, explain, graph, tasks, output, board, run, admin, acl):
        for command in vars(module).values():
            if isinstance(command, click.Command):
                cli.add_command(command)


_add_commands()
