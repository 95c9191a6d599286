"""The worker's side of the guardian and its backup: start them, keep them running and register commands."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import NamedTuple

from jobs_core import Lease

GUARDIAN = Path(__file__).with_name("guardian.py")

BACKUP = """
trap '' INT TERM HUP QUIT
groups=' '
while read -r line; do
    group=${line#?} group=${group%% *} rest=${groups#* "$group":}
    case $line$groups in
        +*) groups="$groups$group:${line##* } " ;;
        -*" $group:"*) groups="${groups%% "$group":*} ${rest#* }" ;;
        =*" $group:"*) groups="${groups%% "$group":*} $group:${line##* } ${rest#* }" ;;
    esac
done
[ "$groups" = ' ' ] || read -r line <&1 && exit
for signal in TERM CONT; do for group in $groups; do kill -s $signal -- "-${group%:*}"; done; done
for tick in 1 2 3 4 5 6 7 8 9 10; do
    sleep 0.5
    read -r now _ </proc/uptime
    for group in $groups; do
        ends=${group#*:}
        [ $tick = 10 ] || [ $((${now%.*} + 1)) -ge "${ends%.*}" ] && kill -s KILL -- "-${group%:*}"
    done
done
"""
"""Does the guardian's work if both the worker and the guardian are killed, as `pkill -9 -f jobs` does.

It reads the same lines. At the end of them the worker is dead, and the guardian's pipe either brings a line,
once the guardian has ended all commands, or ends. A shell is small, and what kills Python kills it not."""


class Program(NamedTuple):
    """A program beside the worker: its arguments, and which end of the guardian's pipe it gets."""

    argv: tuple[str, ...]
    end: int


PROGRAMS = (
    Program(("/bin/sh", "-c", BACKUP), 0),
    Program((sys.executable, "-I", "-S", str(GUARDIAN)), 1),
)

PAUSE = 0.1
"""Seconds before a killed program is replaced."""


class Guard:
    """Makes sure that no command outlives this process, however it ends, nor the lease of its task.

    >>> with guard.holding(process.pid, 5.0, context.lease):
    ...     process.wait()
    """

    def __init__(self) -> None:
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        """Reset the state. A forked child closes the pipes, which belong to its parent."""
        for descriptor in (*getattr(self, "_pipes", {}).values(), *getattr(self, "_ended", ())):
            os.close(descriptor)
        self._pipes: dict[Program, int] = {}
        self._ended: tuple[int, ...] = ()  # the guardian writes to it when it has ended all commands
        self._groups: dict[int, tuple[float, Lease | None]] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the guardian and its backup where they do not run. Raises OSError if that is not possible."""
        with self._lock:
            self._ended = self._ended or os.pipe()
            for program in PROGRAMS:
                if program not in self._pipes:
                    self._spawn(program)

    @contextmanager
    def holding(self, pid: int, grace: float, lease: Lease | None = None) -> Iterator[None]:
        """During the `with` block, end the process group `pid` if this process dies.

        If the lease is not renewed, the group ends before it, even while this process is stopped. `grace` is
        the number of seconds between SIGTERM and SIGKILL.
        """

        def renew(lease: Lease) -> None:
            with self._lock:
                self._send(f"={pid} {_times(lease)}\n")

        with self._lock:
            self._groups[pid] = grace, lease
            self._send(f"+{pid} {grace} {_times(lease)}\n")
        try:
            with nullcontext() if lease is None else lease.on_renew(renew):
                yield
        finally:
            with self._lock:
                del self._groups[pid]
                self._send(f"-{pid}\n")

    def _send(self, line: str) -> None:
        """Write to both programs. If one is dead, its replacement gets all groups anyway."""
        for pipe in self._pipes.values():
            _write(pipe, line)

    def _spawn(self, program: Program) -> None:
        """Start a program in its own session, so that terminal signals do not reach it."""
        reader, writer = os.pipe()  # all ends close on exec, so commands do not inherit them
        try:
            process = subprocess.Popen(
                program.argv,
                stdin=reader,
                stdout=self._ended[program.end],
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        except OSError:
            os.close(writer)
            raise
        finally:
            os.close(reader)
        self._pipes[program] = writer
        for pid, (grace, lease) in self._groups.items():
            _write(writer, f"+{pid} {grace} {_times(lease)}\n")
        threading.Thread(
            target=self._replace, args=(program, process), name="jobs-guard", daemon=True
        ).start()

    def _replace(self, program: Program, process: subprocess.Popen[bytes]) -> None:
        """Wait for a program to die unexpectedly and start another."""
        process.wait()
        with self._lock:
            if program in self._pipes:
                os.close(self._pipes.pop(program))
        while program not in self._pipes:
            time.sleep(PAUSE)
            with suppress(OSError):
                self.start()


def _times(lease: Lease | None) -> str:
    """Return when the guardian sends SIGTERM and SIGKILL. The worker has told the command to stop before."""
    if lease is None:
        return "inf inf"
    return f"{(lease.stop_at + lease.kill_at) / 2} {lease.kill_at}"


def _write(pipe: int, line: str) -> None:
    with suppress(BrokenPipeError):
        os.write(pipe, line.encode())


guard = Guard()
"""The guard of this process."""
