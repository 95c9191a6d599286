"""Process groups: signal one, and tell whether anything in it still runs."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def send(group: int, number: int) -> bool:
    """Signal a process group; False if it has no members any more. Signal 0 only asks."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # it has members, which run as somebody else
        return True
    return True


def alive(group: int) -> bool:
    """Whether a group, whose leader has been reaped, still has a member that runs.

    Its dead are init's to reap, or ours if we are process 1; but there are inits that take their time, so
    where there is a /proc the dead are told from the living.
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
    except (OSError, ValueError):  # it is gone
        return False
    return int(member_of) == group and state not in "ZX"
