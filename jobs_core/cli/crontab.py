"""`jobs import crontab` and `jobs export crontab`: from cron to a board, and back."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from jobs_core.cli.common import connected, echo_json, echo_table, json_option, open_board, when
from jobs_core.cli.lists import print_texts
from jobs_core.errors import OptionError
from jobs_core.options import nearest

if TYPE_CHECKING:
    from jobs_core.crontab import Crontab, Line, Notice

NO_ZONE = "this machine does not say which time zone it is in, so times are UTC: --zone says otherwise"


@click.group(name="import")
def import_() -> None:
    """Make jobs of what other schedulers have.

    \b
      jobs import crontab /etc/crontab --dry-run
    """


@click.group(name="export")
def export() -> None:
    """Write jobs for other schedulers.

    \b
      jobs export crontab > board.crontab
    """


@import_.command(name="crontab")
@click.argument(
    "files",
    metavar="FILE…|-",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
)
@click.option(
    "--system/--user",
    "system",
    default=None,
    help="Whether there is a user column. Default: in /etc/crontab and in files of a directory cron.d.",
)
@click.option("--zone", help="The time zone where no CRON_TZ says it. Default: that of this machine.")
@click.option("--prefix", default="", help="What all ids begin with: web1-")
@click.option("--dry-run", is_flag=True, help="Check everything, and put nothing.")
@json_option
@connected
def import_crontab(
    files: Sequence[str],
    system: bool | None,
    zone: str | None,
    prefix: str,
    dry_run: bool,
    as_json: bool,
    url: str | None,
    board_name: str,
) -> None:
    """Put the jobs of crontabs on the board.

    All of them or, when anything in them is wrong, none. Ids come from the commands: /srv/backup.sh is
    backup. A comment `# id: NAME` above a line says otherwise.

    \b
      jobs import crontab /etc/crontab /etc/cron.d/* --dry-run
      crontab -l | jobs import crontab - --prefix web1-
    """
    from jobs_core.crontab import put

    found = _read(files, system, zone, prefix)
    _say(found.notices)
    if found.problems:
        _refuse(found.problems)
    board = open_board(url, board_name)
    changing, refused = put.check(board, found.lines)
    if refused:
        _refuse([found.lines[place].notice(str(error)) for place, error in sorted(refused.items())])
    _say(line.notice(f"the job {line.id!r} is replaced") for line in found.lines if line.id in changing)
    runs = put.runs(board, found.lines) if dry_run else put.put(board, found.lines)
    _print(found.lines, runs, as_json)
    click.echo(f"{len(runs)} " + ("to put: this was a dry run" if dry_run else "put"), err=True)


@export.command(name="crontab")
@click.argument("pattern", required=False)
@connected
def export_crontab(pattern: str | None, url: str | None, board_name: str) -> None:
    """Write jobs as a user's crontab: all, or those that match PATTERN.

    Jobs that cron cannot run as they are go to standard error as they are read, with the reason. The others
    follow on standard output, grouped by their settings. `jobs import crontab` makes them again.

    \b
      jobs export crontab > board.crontab
      jobs export crontab 'web1-*' | crontab -
    """
    from jobs_core.crontab import write

    lines = write(open_board(url, board_name).list(pattern, sort="id"), lambda why: _say([why]))
    print_texts(line + "\n" for line in lines)


def _read(files: Sequence[str], system: bool | None, zone: str | None, prefix: str) -> Crontab:
    """Read all files as one: no two lines of them get the same id."""
    from jobs_core.crontab import Crontab, is_system, read

    found = Crontab()
    in_force = _zone(zone)
    for file in files:
        one = read(
            _text(file),
            file=file,
            system=is_system(file) if system is None else system,
            zone=in_force,
            prefix=prefix,
            user=_user(),
            taken={line.id for line in found.lines},
        )
        found.lines.extend(one.lines)
        found.notices.extend(one.notices)
        found.problems.extend(one.problems)
    return found


def _user() -> str | None:
    """Who runs this; None for a user without a name, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None


def _text(file: str) -> str:
    """What is in a file. Bytes that are no UTF-8 stay, for `read` to say where."""
    data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    return data.decode("utf-8", "surrogateescape")


def _zone(given: str | None) -> str:
    """The time zone where a crontab names none."""
    from jobs_core.crontab.zone import machine_zone
    from jobs_core.engine.zones import names

    if given is not None:
        if given not in names():
            raise OptionError(f"there is no time zone {given!r}{nearest(given, names())}")
        return given
    zone = machine_zone()
    if zone is None:
        _say([NO_ZONE])
    return zone or "UTC"


def _say(sentences: Iterable[object]) -> None:
    for sentence in sentences:
        click.echo(str(sentence), err=True)


def _refuse(problems: Sequence[Notice]) -> NoReturn:
    _say(problems)
    click.echo(f"nothing was put: {len(problems)} to correct", err=True)
    click.get_current_context().exit(OptionError.exit_code)


def _print(lines: Sequence[Line], runs: Sequence[datetime | None], as_json: bool) -> None:
    found = [(line, run.timestamp() if run else None) for line, run in zip(lines, runs, strict=True)]
    if as_json:
        for line, run in found:
            echo_json({**line.job, "next": run, "file": line.file, "line": line.number})
    elif found:
        echo_table(("id", "cron", "next"), ((line.id, line.cron, when(run)) for line, run in found))
