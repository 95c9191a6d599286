"""Read a crontab: its jobs with their ids, and all of its mistakes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from jobs_core.crontab import names
from jobs_core.crontab.command import payload_of
from jobs_core.crontab.machine import current_user
from jobs_core.crontab.model import Crontab, Line, Notice
from jobs_core.crontab.reader import Entry, Reader


def is_system(file: str) -> bool:
    """Check whether a file is a system crontab, with a user column: /etc/crontab, or a file in a cron.d."""
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
    """Read a crontab as Debian's cron does, and give its lines ids.

    Args:
        text: The contents of the crontab.
        file: Its name, for notices and problems.
        system: Expect a user column.
        zone: The time zone where CRON_TZ sets none.
        prefix: The prefix of all ids.
        user: The current user. A user column with another name gets a notice.
        taken: Ids that no line gets.

    Returns:
        The crontab. Ignore its lines if it has problems.

    >>> read("0 3 * * * /srv/backup.sh").lines[0].job
    {'id': 'backup', 'runner': 'shell', 'payload': '/srv/backup.sh', 'cron': '0 3 * * *', 'zone': 'UTC'}
    """
    reader = Reader(file, system, zone)
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        reader.read_line(number, line.removesuffix("\r"))
    lines = _lines(reader, prefix, taken)
    notices = sorted([*reader.notices, *_other_users(reader, user)], key=lambda notice: notice.line)
    return Crontab(lines, notices, sorted(reader.problems, key=lambda notice: notice.line))


def read_all(
    files: Iterable[tuple[str, str]], *, system: bool | None = None, zone: str = "UTC", prefix: str = ""
) -> Crontab:
    """Read several crontabs as one, in which all ids are unique.

    Args:
        files: The name and text of each file.
        system: Expect a user column. None decides by the name of the file.
        zone: The time zone where CRON_TZ sets none.
        prefix: The prefix of all ids.
    """
    found = Crontab()
    user = current_user()
    for file, text in files:
        one = read(
            text,
            file=file,
            system=is_system(file) if system is None else system,
            zone=zone,
            prefix=prefix,
            user=user,
            taken={line.id for line in found.lines},
        )
        found.lines.extend(one.lines)
        found.notices.extend(one.notices)
        found.problems.extend(one.problems)
    return found


def _lines(reader: Reader, prefix: str, taken: Collection[str]) -> list[Line]:
    """Give each line an id. Ids in comments come first, so that no derived id takes one of them."""
    used = set(taken)
    given: dict[int, str] = {}
    for entry in reader.entries:
        if entry.given_id is not None:
            id = prefix + entry.given_id
            if id in used:
                reader.refuse(entry.number, entry.column, f"the id {id!r} is taken; choose another")
            used.add(id)
            given[entry.number] = id
    lines: list[Line] = []
    for entry in reader.entries:
        id = given.get(entry.number) or names.unique_id(prefix + names.derive_id(entry.command.line), used)
        used.add(id)
        lines.append(_line(reader.file, entry, id))
    return lines


def _line(file: str, entry: Entry, id: str) -> Line:
    payload = payload_of(entry.command)
    location = (file, entry.number, entry.column)
    return Line(*location, id, entry.cron, entry.zone, payload, entry.user, entry.comment)


def _other_users(reader: Reader, user: str | None) -> list[Notice]:
    """Return one notice about users in the user column, if any differs from the current user."""
    found = [entry for entry in reader.entries if entry.user not in (None, user)]
    if not found:
        return []
    who = ", ".join(dict.fromkeys(str(entry.user) for entry in found))
    sentence = f"jobs run as the user of their worker, not as {who}; run a worker as that user"
    return [Notice(reader.file, found[0].number, found[0].column, sentence)]
