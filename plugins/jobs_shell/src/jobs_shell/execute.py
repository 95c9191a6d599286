"""Run a command for a task: start it, follow it to its end, and say how it ended."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from jobs_core import Context, Outcome, Task
from jobs_shell.groups import alive, send
from jobs_shell.guard import guard
from jobs_shell.output import Lines, Tail
from jobs_shell.payload import Command
from jobs_shell.surroundings import environment, identity, metadata

GATE = 'IFS= read -r go && exec "$@"'
"""A command waits behind this for a first line of input, which comes when the guardian knows of it. If the
worker dies before, the input ends instead and the gate never opens: so no moment leaves an orphan."""

CHUNK = 64 * 1024
"""Bytes read or written at once: what a pipe holds."""

LINGER = 1.0
"""Seconds that a group may outlive its leader before it gets SIGTERM."""

LEFTOVER = 1024 * 1024
"""Bytes of output read after the group has ended: as many as a pipe may hold."""

TICK = 0.1 if hasattr(os, "pidfd_open") else 0.02
"""Seconds between looks at `context.cancelled`, and at the process where nothing wakes us when it ends."""

PROMPT = 0.02
"""Seconds between looks at a group whose leader has ended."""


class StartError(Exception):
    """The command could not be started: one sentence that does not quote the payload."""


def execute(command: Command, task: Task, context: Context) -> Outcome:
    """Run a command to its end; its outcome is done if it exits with 0.

    >>> execute(Command(["true"]), task, context).data["exit"]
    0
    """
    try:
        process = _start(command, task, context)
    except StartError as error:
        return Outcome.failed(str(error), code="start")
    with guard.holding(process.pid, command.grace):
        run = Run(process, command, context)
        try:
            run.feed(metadata(task, context) if command.input is None else command.input)
            run.follow()
        finally:
            run.close()
    return run.outcome()


def _start(command: Command, task: Task, context: Context) -> subprocess.Popen[bytes]:
    """Start the command behind the gate, as the leader of a session and group of its own."""
    try:
        user, variables = identity(command.user) if command.user is not None else ({}, {})
        guard.start()
        return subprocess.Popen(
            ["/bin/sh", "-c", GATE, "jobs", *_niced(command)],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=command.cwd,
            env=environment(task, context, variables | dict(command.env)),
            umask=command.umask,
            start_new_session=True,
            **user,
        )
    except LookupError:
        raise StartError("the key 'user' names nobody on this machine") from None
    except PermissionError as error:
        if command.user is not None and error.filename != command.cwd:
            raise StartError("the key 'user' needs a worker that runs as root") from None
        raise StartError(_start_failure(command, error)) from None
    except OSError as error:
        raise StartError(_start_failure(command, error)) from None
    except ValueError:
        raise StartError("the command holds text that no program can be given") from None


def _start_failure(command: Command, error: OSError) -> str:
    if command.cwd is not None and error.filename == command.cwd:
        return f"the directory of the key 'cwd' cannot be entered: {error.strerror}"
    return f"the command could not be started: {error.strerror}"


def _niced(command: Command) -> list[str]:
    return ["nice", "-n", str(command.nice), *command.argv] if command.nice else command.argv


class Run:
    """A process that runs: everything about it happens on one thread, woken by its pipes and its end."""

    def __init__(self, process: subprocess.Popen[bytes], command: Command, context: Context) -> None:
        self._process = process
        self._command = command
        self._context = context
        self._started = time.monotonic()
        self._tail = Tail(command.limit)
        self._stopped = ""  # why it was told to end: `timeout` or `cancelled`
        self._kill_at: float | None = None
        self._input = memoryview(b"")
        self._selector = selectors.DefaultSelector()
        self._exit = self._watch_exit()
        self._lines = {"stdout": Lines(), "stderr": Lines()}
        for name, stream in (("stdout", process.stdout), ("stderr", process.stderr)):
            assert stream is not None
            self._on(stream, selectors.EVENT_READ, partial(self._read, stream, name))

    # Pipes

    def feed(self, text: str) -> None:
        """Open the gate, and from then on write `text` to standard input as the command reads it."""
        stdin = self._process.stdin
        assert stdin is not None
        os.set_blocking(stdin.fileno(), False)
        self._input = memoryview(b"\n" + text.encode(errors="surrogatepass"))
        self._on(stdin, selectors.EVENT_WRITE, partial(self._write, stdin))

    def _write(self, stdin: Any) -> None:
        try:
            self._input = self._input[os.write(stdin.fileno(), self._input[:CHUNK]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:  # the command does not care for its input
            self._input = self._input[:0]
        if not self._input:
            self._off(stdin)

    def _read(self, stream: Any, name: str) -> int:
        chunk = os.read(stream.fileno(), CHUNK)
        self._pass_on(self._lines[name].feed(chunk), name)
        if not chunk:
            self._off(stream)
        return len(chunk)

    def _pass_on(self, lines: list[str], name: str) -> None:
        for line in lines:
            self._tail.add(line)
            self._context.line(line, name)

    def _on(self, stream: Any, events: int, react: Callable[[], Any]) -> None:
        self._selector.register(stream, events, react)

    def _off(self, stream: Any) -> None:
        self._selector.unregister(stream)
        stream.close()

    def _watch_exit(self) -> int | None:
        """Let the end of the process wake us, where the system can."""
        if not hasattr(os, "pidfd_open"):
            return None
        try:
            descriptor = os.pidfd_open(self._process.pid)
        except OSError:
            return None
        self._on(descriptor, selectors.EVENT_READ, lambda: 0)
        return descriptor

    # Time

    def follow(self) -> None:
        """Until the process has ended, and what it left behind as well."""
        while self._process.poll() is None:
            self._turn(min(TICK, self._patience()))
            self._stop_if_told()
        self._unwatch_exit()
        self._end_group()
        self._drain()

    def _turn(self, seconds: float) -> int:
        """React to what the pipes bring, or wait for at most so long. Returns the bytes read."""
        return sum(key.data() or 0 for key, _ in self._selector.select(seconds))

    def _patience(self) -> float:
        if self._kill_at is not None:
            return max(0.0, self._kill_at - time.monotonic())
        remaining = self._context.remaining
        return TICK if remaining is None else remaining

    def _stop_if_told(self) -> None:
        if not self._stopped:
            if self._context.remaining == 0:
                self._stopped = "timeout"
            elif self._context.cancelled.is_set():
                self._stopped = "cancelled"
            else:
                return
            self._terminate()
        self._kill_if_late()

    def _terminate(self) -> None:
        """Ask the group to end; a stopped process is woken, or it would never hear of it."""
        send(self._process.pid, signal.SIGTERM)
        send(self._process.pid, signal.SIGCONT)
        self._kill_at = time.monotonic() + self._command.grace

    def _kill_if_late(self) -> bool:
        late = self._kill_at is not None and time.monotonic() >= self._kill_at
        if late:
            send(self._process.pid, signal.SIGKILL)
            self._kill_at = time.monotonic() + TICK  # again, should the group have grown meanwhile
        return late

    def _end_group(self) -> None:
        """The leader has ended: the rest of its group gets LINGER seconds, then SIGTERM, then SIGKILL."""
        linger_until = time.monotonic() + LINGER
        while alive(self._process.pid):
            self._turn(PROMPT)
            if self._kill_at is None and time.monotonic() >= linger_until:
                self._terminate()
            if self._kill_if_late():
                break

    def _drain(self) -> None:
        """Read what the pipes still hold. A process that has left the group may keep them open: no matter."""
        left = LEFTOVER
        while left > 0 and self._selector.get_map() and (size := self._turn(0)):
            left -= size
        for name, lines in self._lines.items():
            self._pass_on(lines.end(), name)

    # The end

    def close(self) -> None:
        """Let go of everything; a process that is still there, after an error of ours, is killed."""
        if self._process.returncode is None:
            send(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._unwatch_exit()
        self._selector.close()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _unwatch_exit(self) -> None:
        if self._exit is not None:
            self._selector.unregister(self._exit)
            os.close(self._exit)
            self._exit = None

    def outcome(self) -> Outcome:
        """How it ended."""
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
        if self._stopped == "timeout":
            return Outcome.failed(f"timed out, {how} after {seconds:.3g} s", code="timeout", **data)
        if self._stopped == "cancelled":
            return Outcome.cancelled(f"cancelled, {how} after {seconds:.3g} s", **data)
        if status == 0 and self._command.callback:
            return Outcome.accepted(how)
        if status == 0:
            return Outcome.done(how, code="0", **data)
        return Outcome.failed(how + _MEANING.get(status, ""), code=name or str(status), **data)


_MEANING = {126: ": the command cannot be executed", 127: ": the command was not found"}


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"
