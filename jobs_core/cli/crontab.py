"""`jobs import crontab` and `jobs export crontab`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from jobs_core.cli.bulk import binary_input
from jobs_core.cli.common import (
    connected,
    echo,
    echo_json,
    echo_table,
    echo_warnings,
    job_warner,
    json_option,
    open_board,
)
from jobs_core.cli.lists import print_texts
from jobs_core.errors import OptionError
from jobs_core.wording import when

if TYPE_CHECKING:
    from jobs_core.client.apply import Change
    from jobs_core.crontab import Line, Notice
    from jobs_core.crontab.put import Import
    from jobs_core.plugins.manager import Plugins

MAX_SIZE = 32 * 1024 * 1024
"""The largest crontab that is read, in bytes."""

NO_ZONE = "Cannot determine the time zone of this machine. Times are UTC; set --zone to change it."


@click.group(name="import")
def import_() -> None:
    """Import jobs from other schedulers.

    \b
      jobs import crontab /etc/crontab --dry-run
    """


@click.group(name="export")
def export() -> None:
    """Export jobs to other schedulers.

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
    help="Expect a user column or not (default: in /etc/crontab and in cron.d directories).",
)
@click.option("--zone", help="The time zone where CRON_TZ sets none (default: that of this machine).")
@click.option("--prefix", default="", help="Prefix of all ids: web1-")
@click.option(
    "--prune/--no-prune",
    default=False,
    help="Remove or keep jobs that FILE declared before and no longer does (default: keep).",
)
@click.option("--dry-run", is_flag=True, help="Check everything, but put nothing.")
@json_option
@connected
def import_crontab(
    files: Sequence[str],
    system: bool | None,
    zone: str | None,
    prefix: str,
    prune: bool,
    dry_run: bool,
    as_json: bool,
    url: str | None,
    board_name: str,
) -> None:
    """Put the jobs of crontabs on a board.

    If any line has a mistake, nothing is put. Ids derive from the commands: /srv/backup.sh becomes backup.
    Import the file again after you edit it: each line keeps its id, wherever it is in the file. To set an id,
    put a comment `# id: NAME` above the line.

    \b
      jobs import crontab /etc/crontab /etc/cron.d/* --dry-run
      crontab -l | jobs import crontab - --prefix web1-
    """
    from jobs_core.crontab import read_all
    from jobs_core.crontab.put import Import

    found = read_all(_contents(files), system=system, zone=_zone(zone), prefix=prefix)
    _echo_all(found.notices)
    if found.problems:
        _refuse(found.problems)
    board = open_board(url, board_name)
    work = Import(board, found.lines, files, prefix, prune=prune)
    changes, refused = work.check()
    if refused:
        _refuse([work.lines[index].notice(str(error)) for index, error in sorted(refused.items())])
    _echo_changes(work, changes)
    echo_warnings(_warnings(work, board.plugins))
    if not dry_run:
        work.put()
    _print_runs(work.lines, work.next_runs(), as_json)
    echo(f"{len(work.lines)} {'to put (dry run)' if dry_run else 'put'}", err=True)


def _warnings(work: Import, plugins: Plugins) -> Iterator[Notice]:
    """Yield what is odd about lines. What several lines share, such as a MAILTO, is said once."""
    yield from work.notices
    warn = job_warner(plugins)
    seen: set[str] = set()
    for line in work.lines:
        job = line.job
        for sentence in warn(line.id, job["runner"], job["payload"], job):
            if sentence not in seen:
                seen.add(sentence)
                yield line.notice(sentence)


def _echo_changes(work: Import, changes: Sequence[Change]) -> None:
    """Print what happens to jobs that are on the board."""
    replaced = {change.id for change in changes if change.kind == "change"}
    _echo_all(line.notice(f"replaces the job {line.id!r}") for line in work.lines if line.id in replaced)
    _echo_all(
        f"removes the job {change.id!r}, which no line declares any more"
        for change in changes
        if change.kind == "remove"
    )
    _echo_all(
        f"keeps the job {id!r}, which no line declares any more; pass --prune to remove it"
        for id in work.kept()
    )


@export.command(name="crontab")
@click.argument("pattern", required=False)
@connected
def export_crontab(pattern: str | None, url: str | None, board_name: str) -> None:
    """Write all jobs, or those that match PATTERN, as a user's crontab.

    Standard output receives the jobs that cron can run, grouped by their settings. Standard error lists the
    others, with the reason. `jobs import crontab` restores the same jobs.

    \b
      jobs export crontab > board.crontab
      jobs export crontab 'web1-*' | crontab -
    """
    from jobs_core.crontab import write

    lines = write(open_board(url, board_name).list(pattern, sort="id"), lambda reason: _echo_all([reason]))
    print_texts(line + "\n" for line in lines)


def _contents(files: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the name and text of each file. Bytes that are not UTF-8 stay, for the parser to report."""
    for file in files:
        yield file, _read(file).decode("utf-8", "surrogateescape")


def _read(file: str) -> bytes:
    from jobs_core.files import FileError, read_regular

    if file == "-":
        with binary_input(file) as stream:
            return stream.read()
    try:
        return read_regular(Path(file), MAX_SIZE)
    except FileError as error:
        raise OptionError(f"{file}: {error}") from None


def _zone(given: str | None) -> str:
    """Return the time zone for crontabs without CRON_TZ."""
    from jobs_core.crontab import machine

    if given is not None:
        return machine.known_zone(given)
    zone = machine.machine_zone()
    if zone is None:
        _echo_all([NO_ZONE])
    return zone or "UTC"


def _echo_all(sentences: Iterable[object]) -> None:
    for sentence in sentences:
        echo(str(sentence), err=True)


def _refuse(problems: Sequence[Notice]) -> NoReturn:
    _echo_all(problems)
    count = len(problems)
    echo(f"found {count} problem{'s' * (count != 1)}. Nothing was put.", err=True)
    click.get_current_context().exit(OptionError.exit_code)


def _print_runs(lines: Sequence[Line], runs: Sequence[datetime | None], as_json: bool) -> None:
    rows = [(line, run.timestamp() if run else None) for line, run in zip(lines, runs, strict=True)]
    if as_json:
        for line, run in rows:
            echo_json({**line.job, "next": run, "file": line.file, "line": line.number})
    elif rows:
        echo_table(("id", "cron", "next"), ((line.id, line.cron, when(run)) for line, run in rows))
