"""What cron takes from the machine: its time zone and its user."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from jobs_core.engine import zones
from jobs_core.errors import OptionError
from jobs_core.values import nearest

ETC = Path("/etc")


def machine_zone(etc: Path = ETC, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the time zone of this machine, such as `Europe/Brussels`, or None if it is unknown.

    It comes from TZ, else from the target of /etc/localtime, else from /etc/timezone.
    """
    return next((name for name in _candidates(etc, environ) if name in zones.names()), None)


def known_zone(name: str) -> str:
    """Return the name of a time zone if it exists.

    Raises:
        OptionError: It does not.
    """
    if name not in zones.names():
        raise OptionError(f"unknown time zone {name!r}{nearest(name, zones.names())}")
    return name


def current_user() -> str | None:
    """Return the name of the current user, or None for a user without a name, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None


def is_user(name: str) -> bool:
    """Check whether a name is root or another user of this machine, and no program that a line may call."""
    if name == "root":
        return True
    try:
        pwd.getpwnam(name)
    except (KeyError, ValueError):
        return False
    return shutil.which(name) is None


def _candidates(etc: Path, environ: Mapping[str, str]) -> Iterator[str]:
    yield _zone_of(environ.get("TZ", "").removeprefix(":"))
    yield _zone_of(str((etc / "localtime").resolve()))
    try:
        yield (etc / "timezone").read_text("utf-8").strip()
    except (OSError, ValueError):
        return


def _zone_of(path: str) -> str:
    """Return the zone of a zone file: `Asia/Tokyo` for `/usr/share/zoneinfo/posix/Asia/Tokyo`."""
    name = path.rpartition("zoneinfo/")[2]
    return name.removeprefix("posix/").removeprefix("right/")
