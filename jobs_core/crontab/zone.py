"""The time zone that cron on this machine goes by."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from jobs_core.engine import zones

ETC = Path("/etc")


def machine_zone(etc: Path = ETC, environ: Mapping[str, str] = os.environ) -> str | None:
    """The zone of this machine, `Europe/Brussels`; None when it does not say.

    TZ says it, or else where /etc/localtime leads, or /etc/timezone.
    """
    return next((name for name in _candidates(etc, environ) if name in zones.names()), None)


def _candidates(etc: Path, environ: Mapping[str, str]) -> Iterator[str]:
    yield _within(environ.get("TZ", "").removeprefix(":"))
    yield _within(str((etc / "localtime").resolve()))
    try:
        yield (etc / "timezone").read_text("utf-8").strip()
    except (OSError, ValueError):
        return


def _within(path: str) -> str:
    """A zone's name, of the path of its file: `/usr/share/zoneinfo/posix/Asia/Tokyo` is `Asia/Tokyo`."""
    name = path.rpartition("zoneinfo/")[2]
    return name.removeprefix("posix/").removeprefix("right/")
