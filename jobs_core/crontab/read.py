"""Read a crontab: its jobs with their ids, and all of its mistakes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from jobs_core.crontab import names
from jobs_core.crontab.command import payload_of
from jobs_core.crontab.machine import current_user, is_user
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
) -> Crontab:
    """Read a crontab as Debian's cron does, and give its lines ids.

    Args:
        text: The contents of the crontab.
        file: Its name, for notices and problems.
        system: Expect a user column.
        zone: The time zone where CRON_TZ sets none.
        prefix: The prefix of all ids.
        user: The current user. A user column with another name gets a notice.

    Returns:
        The crontab. Ignore its lines if it has problems.

    >>> read("0 3 * * * /srv/backup.sh").lines[0].job
    {'id': 'backup', 'runner': 'shell', 'payload': '/srv/backup.sh', 'cron': '0 3 * * *', 'zone': 'UTC'}
    """
    return _crontab([_reader(text, file, system, zone)], prefix, user)


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
    readers = [
        _reader(text, file, is_system(file) if system is None else system, zone) for file, text in files
    ]
    return _crontab(readers, prefix, current_user())


def _reader(text: str, file: str, system: bool, zone: str) -> Reader:
    reader = Reader(file, system, zone)
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        reader.read_line(number, line.removesuffix("\r"))
    return reader


def _crontab(readers: Sequence[Reader], prefix: str, user: str | None) -> Crontab:
    lines = _lines([(reader, entry) for reader in readers for entry in reader.entries], prefix)
    found = Crontab(lines)
    for reader in readers:
        notices = [*reader.notices, *_other_users(reader, user), *_unread_users(reader)]
        found.notices.extend(sorted(notices, key=lambda notice: notice.line))
        found.problems.extend(sorted(reader.problems, key=lambda notice: notice.line))
    return found


def _lines(entries: Sequence[tuple[Reader, Entry]], prefix: str) -> list[Line]:
    """Give each entry an id. Ids in comments come first, so that no derived id takes one of them."""
    given: dict[str, Entry] = {}
    for reader, entry in entries:
        if entry.given_id is not None:
            id = prefix + entry.given_id
            if given.setdefault(id, entry) is not entry:
                reader.refuse(entry.number, entry.column, f"the id {id!r} is taken; choose another")
    others = [entry.command.text for _, entry in entries if entry.given_id is None]
    derived = iter(names.derive_ids(others, prefix, given))
    return [
        _line(reader.file, entry, next(derived) if entry.given_id is None else prefix + entry.given_id)
        for reader, entry in entries
    ]


def _line(file: str, entry: Entry, id: str) -> Line:
    payload = payload_of(entry.command)
    location = (file, entry.number, entry.column)
    derived = entry.given_id is None
    return Line(
        *(*location, id, entry.cron, entry.zone, payload, entry.user, entry.comment, derived),
        lint_ignore=entry.lint_ignore,
        mailto=entry.mailto,
    )


def _other_users(reader: Reader, user: str | None) -> list[Notice]:
    """Return one notice about users in the user column, if any differs from the current user."""
    found = [entry for entry in reader.entries if entry.user not in (None, user)]
    if not found:
        return []
    who = ", ".join(dict.fromkeys(str(entry.user) for entry in found))
    sentence = f"jobs run as the user of their worker, not as {who}; run a worker as that user"
    return [Notice(reader.file, found[0].number, found[0].column, sentence)]


def _unread_users(reader: Reader) -> list[Notice]:
    """Return one notice if a user's crontab seems to have a user column."""
    for entry in reader.entries:
        word, *rest = entry.command.line.split(maxsplit=1)
        if not reader.system and rest and not rest[0].startswith("-") and is_user(word):
            sentence = (
                f"the command begins with the user {word!r}; if that is a user column, read the file with "
                "`jobs import crontab --system`"
            )
            return [Notice(reader.file, entry.number, entry.column, sentence)]
    return []
