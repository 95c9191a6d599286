"""The embedded server's process: start it, stop it, restart it."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from jobs_core.embedded.binary import find_binary
from jobs_core.embedded.location import accepts_connections, embedded_url, socket_path
from jobs_core.embedded.log import largest, rotate
from jobs_core.errors import ServerError

START_TIMEOUT, STOP_TIMEOUT = 60.0, 30.0
"""Seconds a server may take to answer on start, which it does while it loads its data; and to stop."""


class EmbeddedServer:
    """A private server that runs while its context is open, and keeps an append-only file in `data`.

    A lock file prevents two servers on the same data. A server left behind by a killed `jobs up` is taken
    over, and stopped at the end as usual. With `keeps=False`, the server keeps nothing, and writes no file.

    >>> with EmbeddedServer(data_dir()) as server:
    ...     Board(url=server.url)
    """

    def __init__(self, data: Path, *, keeps: bool = True) -> None:
        self.data = data
        self._keeps = keeps
        self.socket = socket_path(data)
        self.url = embedded_url(data)
        self.log = data / "server.log"
        self._log_bytes = largest()
        self.pid = 0
        """The server's process id, or 0 when it is stopped."""
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server, or take over a running one, and wait until it answers.

        Raises:
            ServerError: The server does not start, or another `jobs up` holds the data.
        """
        self._take_lock()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server after it has written its data, and release the lock."""
        if self.pid:
            self._end()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def alive(self) -> bool:
        """Check whether the server's process runs."""
        if self._process is not None:
            return self._process.poll() is None
        return bool(self.pid) and _exists(self.pid)

    def bound_log(self) -> None:
        """Set a log aside that has grown too large: `server.log` becomes `server.log.1`."""
        rotate(self.log, self._log_bytes)

    def restart(self) -> None:
        """Start a dead server again. It reloads everything from its append-only file."""
        self._start()

    def _start(self) -> None:
        if accepts_connections(self.socket):
            self.pid = self._ask_pid()
            return
        self.socket.unlink(missing_ok=True)
        self.bound_log()
        binary = find_binary()
        try:
            self._process = subprocess.Popen(
                [binary, *self._arguments()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                umask=0o077,  # the data directory may be readable by others
                start_new_session=True,  # Ctrl-C must not reach it before the workers have drained
            )
        except OSError as error:
            raise ServerError(f"Cannot run the server {binary}: {error.strerror}.") from None
        self.pid = self._process.pid
        self._wait_until_ready()

    def _arguments(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": os.fspath(self.socket),
            "unixsocketperm": "700",
            "dir": os.fspath(self.data),
            "appendonly": "yes" if self._keeps else "no",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "logfile": os.fspath(self.log),
            "daemonize": "no",
        }
        return [text for name, value in options.items() for text in (f"--{name}", value)]

    def _wait_until_ready(self) -> None:
        import redis

        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if not self.alive():
                raise ServerError(
                    f"The embedded server did not start. Its last log line: {self._last_log_line()}"
                )
            if self.socket.exists():
                try:
                    with self._client() as client:
                        client.ping()
                        return
                except redis.BusyLoadingError:
                    deadline = time.monotonic() + START_TIMEOUT
                except redis.RedisError:
                    pass
            time.sleep(0.01)
        raise ServerError(f"The embedded server did not answer within {START_TIMEOUT:g} s. See {self.log}.")

    def _ask_pid(self) -> int:
        import redis

        try:
            with self._client() as client:
                return int(client.info("server")["process_id"])
        except redis.RedisError as error:
            raise ServerError(f"A server holds {self.socket} but does not answer: {error}.") from None

    def _client(self) -> Any:
        import redis

        return redis.Redis.from_url(self.url, socket_timeout=10)

    def _end(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT
        while self.alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        if self.alive():
            os.kill(self.pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
        self._process, self.pid = None, 0
        self.socket.unlink(missing_ok=True)

    def _take_lock(self) -> None:
        lock = (self.data / "up.lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise ServerError(
                f"Another `jobs up` (process {holder}) uses {self.data}. Stop it, or pass another --data."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def _last_log_line(self) -> str:
        text = self.log.read_text(errors="replace").strip() if self.log.exists() else ""
        return text.splitlines()[-1] if text else "none"


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
