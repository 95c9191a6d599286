"""`jobs service`: workers as services of systemd."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from jobs_core.cli.common import F, echo, echo_json, json_option
from jobs_core.cli.worker import run
from jobs_core.errors import OptionError

if TYPE_CHECKING:
    from jobs_core.service import Installed

NAME = "jobs-worker"
USER = "jobs"


def scope_options(function: F) -> F:
    """Add the options that say which service: --system, --name and --root."""
    options = (
        click.option(
            "--system/--user",
            "is_system",
            default=None,
            help="For the machine, or for yourself (default: --system for root, else --user).",
        ),
        click.option("--name", default=NAME, show_default=True, metavar="NAME", help="Name of the service."),
        click.option(
            "--root",
            type=click.Path(path_type=Path, exists=True, file_okay=False),
            help="With --system: the root directory of another system, such as an image.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.group()
def service() -> None:
    """Run a worker as a service of systemd.

    \b
      jobs service install --dry-run
      jobs service install -- --concurrency 20 --drain 60
      jobs service remove
    """


@service.command()
@scope_options
@click.option("--run-as", metavar="USER", help=f"With --system: who runs the worker (default: {USER}).")
@click.option("--dry-run", is_flag=True, help="Print the unit, and write nothing.")
@json_option
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def install(
    is_system: bool | None,
    name: str,
    root: Path | None,
    run_as: str | None,
    dry_run: bool,
    as_json: bool,
    options: tuple[str, ...],
) -> None:
    """Write the systemd unit of a worker.

    OPTIONS, after --, are those of `jobs run`. The address of Redis and secrets belong in the file that is
    created beside the unit, which only its owner can read. Installing again updates the unit, and keeps that
    file. It starts nothing: the commands that do are printed.

    \b
      jobs service install --dry-run
      jobs service install --system --run-as jobs -- --concurrency 20 --drain 60
      jobs service install --user --name jobs-mail -- --board mail
    """
    from jobs_core import service as services

    is_system = _scope(is_system, root)
    if run_as is not None and not is_system:
        raise OptionError("run-as: a service of your own runs as you: leave --run-as out", option="run-as")
    places = services.places_of(name, is_system=is_system)
    wanted = services.Service(
        name=name,
        command=(_program(), "run", *options),
        environment=places.environment,
        user=(run_as or USER) if is_system else None,
        drain=_run_parameters(options)["drain"],
    )
    if dry_run:
        echo(services.unit(wanted).rstrip("\n"))
        return
    if root is None:
        services.require_systemd()
        _require_user(wanted.user)
    _report(services.install(wanted, places, root or Path("/")), is_system, as_json)


def _report(done: Installed, is_system: bool, as_json: bool) -> None:
    """Print what has been done, and the commands to go on with."""
    places, commands = done.places, _next_commands(done, is_system)
    if as_json:
        files = {"unit": str(places.unit), "environment": str(places.environment)}
        echo_json(files | {"change": done.change, "next": commands})
        return
    echo(f"{done.change} {places.unit}")
    if done.made_environment:
        echo(f"created {places.environment}: set JOBS_REDIS_URL there")
    _print_next(commands)


@service.command()
@scope_options
@json_option
def remove(is_system: bool | None, name: str, root: Path | None, as_json: bool) -> None:
    """Remove the systemd unit of a worker, once the service is disabled.

    The file with its environment stays.

    \b
      jobs service remove --user --name jobs-mail
    """
    from jobs_core import service as services

    is_system = _scope(is_system, root)
    places = services.places_of(name, is_system=is_system)
    if root is None:
        services.require_systemd()
    services.remove(name, places, root or Path("/"))
    reload = _systemctl(is_system, "daemon-reload")
    if as_json:
        echo_json({"unit": str(places.unit), "change": "removed", "next": [reload]})
        return
    echo(f"removed {places.unit}")
    _print_next([reload])


def _scope(is_system: bool | None, root: Path | None) -> bool:
    if root is not None and is_system is False:
        raise OptionError("root: another system has system services only: leave --user out", option="root")
    return is_system if is_system is not None else root is not None or os.geteuid() == 0


def _run_parameters(options: tuple[str, ...]) -> dict[str, Any]:
    """Parse options of `jobs run`. Raises OptionError for a password, which the unit would show."""
    context = run.make_context("jobs run", list(options))
    is_given = context.get_parameter_source("url") == ParameterSource.COMMANDLINE
    if is_given and re.search(r"password|//[^/]*:[^/]*@", context.params["url"]):
        raise OptionError(
            "url: the unit and the process list would show the password: set JOBS_REDIS_URL in the file of "
            "the environment",
            option="url",
        )
    return context.params


def _program() -> str:
    """Return the absolute path of this program, in the environment that has it and its plugins."""
    called = shutil.which(sys.argv[0]) if Path(sys.argv[0]).name in ("jobs", "job") else None
    return str(Path(called or Path(sysconfig.get_path("scripts")) / "jobs").absolute())


def _require_user(user: str | None) -> None:
    if user is None:
        return
    try:
        pwd.getpwnam(user)
    except KeyError:
        raise OptionError(
            f"run-as: there is no user {user!r} here: create it with `useradd --system {user}`, "
            "or name another with --run-as",
            option="run-as",
        ) from None


def _systemctl(is_system: bool, *words: str) -> str:
    return " ".join(("systemctl", *(() if is_system else ("--user",)), *words))


def _next_commands(done: Installed, is_system: bool) -> list[str]:
    """Return what makes the service run as installed, and shows what it does."""
    name = done.places.unit.stem
    commands = [f"${{EDITOR:-vi}} {done.places.environment}"] if done.made_environment else []
    if done.change != "unchanged":
        start = ("enable", "--now") if done.change == "created" else ("restart",)
        commands += [_systemctl(is_system, "daemon-reload"), _systemctl(is_system, *start, name)]
    commands.append(f"journalctl {'' if is_system else '--user '}-u {name} --follow")
    if not is_system:
        commands.append("loginctl enable-linger   # it goes on when you log out")
    return commands


def _print_next(commands: list[str]) -> None:
    echo("\nNext:")
    for command in commands:
        echo(f"  {command}")
