"""The guardian: a separate program that ends the process groups of a dead worker.

Standard input is a pipe whose other end only the worker holds. The line `+<pid> <grace>` registers a process
group, `-<pid>` unregisters it. EOF means that the worker is dead. Every registered group then gets SIGTERM
and, after its grace in seconds, SIGKILL. Then a line on standard output tells the backup that all is done.

The program imports almost nothing, so that it starts in milliseconds and stays small.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE)
PAUSE = 0.02
"""Seconds between checks of groups that got SIGTERM."""

BATCH = 0.05
"""Seconds between reads of the pipe. Reading many lines at once saves two wakeups per command. No line is
lost, because the guardian reads the pipe to its end."""


def main() -> None:
    """Wait for the worker to die, then end its commands."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    end(follow())
    with suppress(OSError):  # the backup is dead, too
        os.write(1, b"ended\n")


def follow() -> dict[int, float]:
    """Read the pipe to its end. Returns the registered groups with their grace, in seconds."""
    groups: dict[int, float] = {}
    for line in lines():
        pid, _, grace = line[1:].partition(b" ")
        if line[:1] == b"+":
            groups[int(pid)] = float(grace)
        else:
            groups.pop(int(pid), None)
    return groups


def lines() -> Iterator[bytes]:
    """Yield the lines of the pipe until EOF."""
    rest = b""
    while chunk := os.read(0, 65536):
        *complete, rest = (rest + chunk).split(b"\n")
        yield from complete
        time.sleep(BATCH)


def end(groups: dict[int, float]) -> None:
    """Send SIGTERM to every group, and SIGKILL to those that still run after their grace."""
    started = time.monotonic()
    for pid in groups:
        send(pid, signal.SIGTERM)
        send(pid, signal.SIGCONT)
    while groups:
        for pid, grace in list(groups.items()):
            if time.monotonic() - started >= grace:
                send(pid, signal.SIGKILL)
                del groups[pid]
            elif not send(pid, 0):
                del groups[pid]
        time.sleep(PAUSE)


def send(pid: int, number: int) -> bool:
    """Signal a process group. Returns whether it still has members."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


if __name__ == "__main__":
    main()
