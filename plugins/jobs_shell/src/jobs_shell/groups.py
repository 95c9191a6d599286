"""Signal process groups and check whether they still run."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def send(group: int, number: int) -> bool:
    """Signal a process group. Returns False if it has no members. Signal 0 only checks."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # it has members of another user
        return True
    return True


def alive(group: int) -> bool:
    """Whether a group still has a running member after its leader has been reaped.

    Zombies do not count. Some init processes reap them slowly, so this function reads the states of processes
    from `/proc` where it exists.
    """
    if not send(group, 0):
        return False
    with suppress(ChildProcessError):
        while os.waitpid(-group, os.WNOHANG)[0]:
            pass
    stats = list(Path("/proc").glob("[0-9]*/stat"))
    return not stats or any(_runs(stat, group) for stat in stats)


def _runs(stat: Path, group: int) -> bool:
    try:
        state, _, member_of = stat.read_text(errors="replace").rpartition(")")[2].split()[:3]
    except (OSError, ValueError):  # the process has ended
        return False
    return int(member_of) == group and state not in "ZX"
