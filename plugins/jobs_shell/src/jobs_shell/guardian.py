"""The guardian: a separate program that ends commands which their worker can no longer answer for.

Standard input is a pipe whose other end only the worker holds. The line `+<pid> <grace> <term> <kill>`
registers a process group, `=<pid> <term> <kill>` renews its lease, and `-<pid>` unregisters it. A group that
is still there at the time `term` gets SIGTERM, and at the time `kill` SIGKILL: the worker has not renewed its
lease, because it is stopped, hangs or cannot reach Redis. Times are in seconds of the clock that goes on
while the machine sleeps; `inf` is never.

EOF means that the worker is dead. Every registered group then gets SIGTERM and, after its grace in seconds,
SIGKILL, but no later than at the time `kill`. Then a line on standard output tells the backup that all is
done.

The program imports almost nothing, so that it starts in milliseconds and stays small.
"""

import math
import os
import select
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

LONGEST = 1.0
"""Maximum seconds between checks of leases: a machine that sleeps does not count as waiting."""

CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Group:
    """A process group: the seconds from SIGTERM to SIGKILL, and when each is due if nobody renews."""

    def __init__(self, grace: float) -> None:
        self.grace = grace
        self.term = self.kill = math.inf


def main() -> None:
    """Wait for the worker to die, then end its commands."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    groups: dict[int, Group] = {}
    follow(groups)
    end(groups)
    with suppress(OSError):  # the backup is dead, too
        os.write(1, b"ended\n")


def follow(groups: dict[int, Group]) -> None:
    """Read the pipe to its end, and end groups whose leases are over meanwhile."""
    for line in lines(groups):
        word, *numbers = line[1:].split()
        pid, times = int(word), [float(number) for number in numbers]
        if line[:1] == b"-":
            groups.pop(pid, None)
            continue
        if line[:1] == b"+":
            groups[pid] = Group(times.pop(0))
        if pid in groups:
            groups[pid].term, groups[pid].kill = times


def lines(groups: dict[int, Group]) -> Iterator[bytes]:
    """Yield the lines of the pipe until EOF. Check the leases of groups while waiting."""
    rest = b""
    while True:
        wait = end_overdue(groups)
        if not select.select([0], [], [], wait)[0]:
            continue
        chunk = os.read(0, 65536)
        if not chunk:
            return
        *complete, rest = (rest + chunk).split(b"\n")
        yield from complete
        time.sleep(BATCH)


def end_overdue(groups: dict[int, Group]) -> float | None:
    """Signal the groups whose time is over. Returns the seconds to the next one, None if there is none."""
    now = time.clock_gettime(CLOCK)
    for pid, group in list(groups.items()):
        if now >= group.kill:
            send(pid, signal.SIGKILL)
            del groups[pid]
        elif now >= group.term:
            group.term = math.inf
            send(pid, signal.SIGTERM)
            send(pid, signal.SIGCONT)
    first = min((min(group.term, group.kill) for group in groups.values()), default=math.inf)
    return None if first == math.inf else min(LONGEST, first - now)


def end(groups: dict[int, Group]) -> None:
    """Send SIGTERM to every group, and SIGKILL to those that still run after their grace or their lease."""
    started = time.clock_gettime(CLOCK)
    for pid in groups:
        send(pid, signal.SIGTERM)
        send(pid, signal.SIGCONT)
    while groups:
        for pid, group in list(groups.items()):
            if time.clock_gettime(CLOCK) >= min(started + group.grace, group.kill):
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
