"""The guardian: ends the process groups of a worker that is gone. Runs as a program of its own.

Standard input is a pipe whose other end only the worker holds. A line `+<pid> <grace>` registers the process
group of a command, `-<pid>` takes it off again. The end of the pipe means that the worker is no more: every
group still registered gets SIGTERM and, after its grace in seconds, SIGKILL.

It imports next to nothing, so that it starts in milliseconds and stays small.
"""

import os
import signal
import time
from collections.abc import Iterator

IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE)
PAUSE = 0.02
"""Seconds between checks of groups that are being ended."""

BATCH = 0.05
"""Seconds between reads of the pipe. What is in the pipe is safe, since it is read to its end: reading many
lines at once spares two wakeups for each command."""


def main() -> None:
    """Follow the worker to its end, then end what it leaves behind."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    end(follow())


def follow() -> dict[int, float]:
    """Keep the register until the pipe ends: a grace for each process group."""
    groups: dict[int, float] = {}
    for line in lines():
        pid, _, grace = line[1:].partition(b" ")
        if line[:1] == b"+":
            groups[int(pid)] = float(grace)
        else:
            groups.pop(int(pid), None)
    return groups


def lines() -> Iterator[bytes]:
    """Yield the lines of the pipe, to its end."""
    rest = b""
    while chunk := os.read(0, 65536):
        *complete, rest = (rest + chunk).split(b"\n")
        yield from complete
        time.sleep(BATCH)


def end(groups: dict[int, float]) -> None:
    """Send SIGTERM to every group, and SIGKILL to those that outlast their grace."""
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
    """Signal a process group; tell whether it still has members."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


if __name__ == "__main__":
    main()
