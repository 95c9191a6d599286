"""Run the command of a task: start it, wait for it and return its outcome."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from math import ceil
from typing import Any

from jobs_core import Context, Outcome, Task
from jobs_shell.groups import alive, send
from jobs_shell.guard import guard
from jobs_shell.limits import file_limit, restore_file_limit
from jobs_shell.output import Lines, Tail
from jobs_shell.payload import Command
from jobs_shell.pipes import Pipes
from jobs_shell.start import ShortageError, StartError, start
from jobs_shell.surroundings import inherited, metadata

CHUNK = 64 * 1024
"""Bytes read or written at once: the capacity of a pipe."""

LINGER = 1.0
"""Seconds that a group may outlive its leader before it gets SIGTERM."""

LEFTOVER = 1024 * 1024
"""Bytes of output read after the group has ended: the largest capacity of a pipe."""

TICK = 0.02
"""Seconds between polls of a process on systems without pidfd."""

KILL_INTERVAL = 0.1
"""Seconds between two SIGKILL signals."""

IDLE = 3600.0
"""Seconds between polls of a process with a pidfd."""

GROUP_TICK = 0.02
"""Seconds between polls of a group whose leader has ended."""


def prepare() -> None:
    """Read the environment and start the guardian. Raises OSError if the guardian cannot be started."""
    inherited.cache_clear()
    inherited()
    file_limit.cache_clear()
    file_limit()
    guard.start()


def execute(command: Command, task: Task, context: Context) -> Outcome:
    """Run a command and return its outcome: done if it exits with 0.

    >>> execute(Command(["true"]), task, context).data["exit"]
    0
    """
    try:
        process, pipes = start(command, task, context)
    except ShortageError as error:
        return Outcome.not_started(str(error))
    except StartError as error:
        return Outcome.failed(str(error), code="start")
    restore_file_limit(process.pid)
    with guard.holding(process.pid, command.grace):
        run = Run(process, pipes, command, context)
        try:
            with context.on_stop(pipes.wake):
                run.feed(metadata(task, context) if command.input is None else command.input)
                run.follow()
        finally:
            run.close()
    return run.outcome()


class Run:
    """A running command. One thread handles it; the pipes and the exit of the process wake that thread."""

    def __init__(
        self, process: subprocess.Popen[bytes], pipes: Pipes, command: Command, context: Context
    ) -> None:
        self._process = process
        self._pipes = pipes
        self._command = command
        self._context = context
        self._started = time.monotonic()
        self._tail = Tail(command.limit)
        self._stopped = False  # whether the group got SIGTERM
        self._kill_at: float | None = None
        self._input = memoryview(b"")
        self._poll = select.poll()  # cheaper than epoll for a few descriptors that live for milliseconds
        self._handlers: dict[int, Callable[[], int]] = {}
        self._lines = {"stdout": Lines(), "stderr": Lines()}
        self._watch(pipes.output, select.POLLIN, partial(self._read, pipes.output, "stdout"))
        self._watch(pipes.error, select.POLLIN, partial(self._read, pipes.error, "stderr"))
        self._watch(pipes.awake, select.POLLIN, self._reset_awake)
        self._exit = self._watch_exit()

    # Pipes

    def feed(self, text: str) -> None:
        """Open the gate and start to write `text` to standard input."""
        stdin = self._pipes.input
        os.set_blocking(stdin, False)
        self._input = memoryview(b"\n" + text.encode(errors="surrogatepass"))
        self._watch(stdin, select.POLLOUT, self._write)
        self._write()  # most input fits in the pipe, so write before polling
        self._close_far_ends()

    def _close_far_ends(self) -> None:
        """Close this process's copies of the command's pipe ends, so that EOF is visible.

        With a pidfd, the output ends stay open until the command exits. Otherwise the exit would wake this
        thread three times: once per pipe and once for the process.
        """
        stdin, *output = self._pipes.far_ends
        self._pipes.close(stdin)
        if self._exit is None:
            self._pipes.close(*output)

    def _write(self) -> int:
        try:
            self._input = self._input[os.write(self._pipes.input, self._input[:CHUNK]) :]
        except BlockingIOError:
            return 0
        except BrokenPipeError:  # the command does not read its input
            self._input = self._input[:0]
        if not self._input:
            self._drop(self._pipes.input)
        return 0

    def _read(self, descriptor: int, name: str) -> int:
        chunk = os.read(descriptor, CHUNK)
        if chunk:
            self._pass_on(self._lines[name].feed(chunk), name)
        else:
            self._drop(descriptor)
        return len(chunk)

    def _pass_on(self, lines: list[str], name: str) -> None:
        for line in lines:
            self._tail.add(line)
            self._context.line(line, name)

    def _watch(self, descriptor: int, events: int, handler: Callable[[], int]) -> None:
        self._poll.register(descriptor, events)
        self._handlers[descriptor] = handler

    def _drop(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        del self._handlers[descriptor]
        self._pipes.close(descriptor)

    def _watch_exit(self) -> int | None:
        """Poll a pidfd for the exit of the process, if the system supports it."""
        if not hasattr(os, "pidfd_open"):
            return None
        try:
            descriptor = os.pidfd_open(self._process.pid)
        except OSError:
            return None
        self._watch(descriptor, select.POLLIN, self._reap)
        return descriptor

    def _reset_awake(self) -> int:
        """Reset `awake`. Returns 0, because it reads no output."""
        os.read(self._pipes.awake, 1)
        return 0

    def _reap(self) -> int:
        """Collect the exit status if the process has exited. Returns 0, because it reads no output."""
        self._process.poll()
        return 0

    # Time

    def follow(self) -> None:
        """Wait until the process and its group have ended."""
        while not self._has_ended():
            self._stop_if_requested()
            self._handle_events(self._patience())
        self._unwatch_exit()
        self._pipes.close(*self._pipes.far_ends)
        self._end_group()
        self._drain()

    def _has_ended(self) -> bool:
        if self._exit is None:
            self._reap()
        return self._process.returncode is not None

    def _handle_events(self, seconds: float) -> int:
        """Handle pipe events, waiting at most `seconds`. Returns the bytes read."""
        ready = self._poll.poll(ceil(1000 * seconds))
        return sum(self._handlers[descriptor]() for descriptor, _ in ready)

    def _patience(self) -> float:
        most = TICK if self._exit is None else IDLE
        if self._kill_at is not None:
            return min(most, max(0.0, self._kill_at - time.monotonic()))
        remaining = self._context.remaining
        return most if remaining is None else min(most, remaining)

    def _stop_if_requested(self) -> None:
        if not self._stopped and self._context.stop_reason:
            self._stopped = True
            self._terminate()
        self._kill_if_overdue()

    def _terminate(self) -> None:
        """Send SIGTERM to the group, and SIGCONT so that stopped processes receive it."""
        send(self._process.pid, signal.SIGTERM)
        send(self._process.pid, signal.SIGCONT)
        self._kill_at = time.monotonic() + self._command.grace

    def _kill_if_overdue(self) -> bool:
        overdue = self._kill_at is not None and time.monotonic() >= self._kill_at
        if overdue:
            send(self._process.pid, signal.SIGKILL)
            self._kill_at = time.monotonic() + KILL_INTERVAL  # again, in case the group has grown
        return overdue

    def _end_group(self) -> None:
        """End the rest of the group after its leader: wait LINGER seconds, then SIGTERM, then SIGKILL."""
        linger_until = time.monotonic() + LINGER
        while alive(self._process.pid):
            self._handle_events(GROUP_TICK)
            if self._kill_at is None and time.monotonic() >= linger_until:
                self._terminate()
            if self._kill_if_overdue():
                break

    def _drain(self) -> None:
        """Read the remaining output. A process that has left the group may keep the pipes open."""
        left = LEFTOVER
        while left > 0 and self._handlers and (size := self._handle_events(0)):
            left -= size
        for name, lines in self._lines.items():
            self._pass_on(lines.end(), name)

    # The end

    def close(self) -> None:
        """Release all resources. Kill the process if it still runs after an internal error."""
        if self._process.returncode is None:
            send(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._unwatch_exit()
        self._pipes.close()

    def _unwatch_exit(self) -> None:
        if self._exit is not None:
            self._poll.unregister(self._exit)
            del self._handlers[self._exit]
            os.close(self._exit)
            self._exit = None

    def outcome(self) -> Outcome:
        """Return the outcome of the command."""
        status = self._process.returncode
        name = _signal_name(-status) if status < 0 else None
        seconds = time.monotonic() - self._started
        data: dict[str, Any] = {
            "exit": status if status >= 0 else None,
            "signal": name,
            "seconds": round(seconds, 3),
            "output": self._tail.text,
            "truncated": self._tail.truncated,
        }
        how = f"killed by {name}" if name else f"exit {status}"
        if self._stopped:
            return self._context.stop_outcome(f"after {seconds:.3g} s, {how}", **data)
        if status == 0 and self._command.callback:
            return Outcome.accepted(how)
        if status == 0:
            return Outcome.done(how, code="0", **data)
        return Outcome.failed(how + _MEANING.get(status, ""), code=name or str(status), **data)


_MEANING = {126: ": command not executable", 127: ": command not found"}


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"
