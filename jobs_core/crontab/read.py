"""Reading a crontab: every line of it with its id, and every mistake at once."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from jobs_core.crontab import names
from jobs_core.crontab.command import payload
from jobs_core.crontab.model import Crontab, Line, Notice
from jobs_core.crontab.reader import Entry, Reader


def is_system(file: str) -> bool:
    """Whether a file is a system crontab, with a user column: /etc/crontab, or one in a cron.d."""
    path = Path(file).absolute()
    return path.parent.name == "cron.d" or path.parts[-2:] == ("etc", "crontab")


def read(
    text: str,
    *,
    file: str = "-",
    system: bool = False,
    zone: str = "UTC",
    prefix: str = "",
    user: str | None = None,
    taken: Collection[str] = (),
) -> Crontab:
    """Read a crontab as Debian's cron does, and name its lines.

    `zone` holds where no CRON_TZ does. `prefix` stands before every id; `taken` are ids that no line
    gets. `user` is who runs this, and gets no notice in a user column. With any problem, the lines are
    of no use.

    >>> read("0 3 * * * /srv/backup.sh").lines[0].job
    {'id': 'backup', 'runner': 'shell', 'payload': '/srv/backup.sh', 'cron': '0 3 * * *', 'zone': 'UTC'}
    """
    reader = Reader(file, system, zone)
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        reader.take(number, line.removesuffix("\r"))
    lines = _named(reader, prefix, taken)
    notices = sorted([*reader.notices, *_strangers(reader, user)], key=lambda notice: notice.line)
    return Crontab(lines, notices, sorted(reader.problems, key=lambda notice: notice.line))


def _named(reader: Reader, prefix: str, taken: Collection[str]) -> list[Line]:
    """The lines with their ids: those that comments give come first, so that nothing else takes them."""
    used = set(taken)
    given: dict[int, str] = {}
    for entry in reader.entries:
        if entry.named is not None:
            id = prefix + entry.named
            if id in used:
                reader.refuse(entry.number, entry.column, f"the id {id!r} is taken: write another")
            used.add(id)
            given[entry.number] = id
    lines: list[Line] = []
    for entry in reader.entries:
        id = given.get(entry.number) or names.unique(prefix + names.derived(entry.command.line), used)
        used.add(id)
        lines.append(_line(reader.file, entry, id))
    return lines


def _line(file: str, entry: Entry, id: str) -> Line:
    made = payload(entry.command)
    where = (file, entry.number, entry.column)
    return Line(*where, id, entry.cron, entry.zone, made, entry.user, entry.comment)


def _strangers(reader: Reader, user: str | None) -> list[Notice]:
    """One notice about the users that jobs will not run as."""
    found = [entry for entry in reader.entries if entry.user not in (None, user)]
    if not found:
        return []
    who = ", ".join(dict.fromkeys(str(entry.user) for entry in found))
    sentence = f"jobs run as the user of their worker, not as {who}: run a worker as that user"
    return [Notice(reader.file, found[0].number, found[0].column, sentence)]
