"""The servers of a run: real ones on loopback, with `appendfsync always`."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import redis

from jobs_core.embedded import find_binary

PATIENCE = 60.0
"""Timeout for a server to load or a replica to catch up, in seconds."""


class Server:
    """A server process with its data in `folder`. `start` after `kill` loads this data."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self.port = _free_port()
        self.client = redis.Redis(port=self.port, decode_responses=True, socket_timeout=PATIENCE)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "dir": self._folder,
            "save": "",
            "appendonly": "yes",
        }
        options |= {"appendfsync": "always", "maxmemory-policy": "noeviction", "repl-diskless-sync-delay": 0}
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([find_binary(), *words], stdout=log, stderr=log)
        wait(self._answers, "the server to answer")

    def kill(self) -> None:
        """Kill the server with SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the server."""
        if self._process is not None:
            self._process.send_signal(number)

    def follow(self, primary: Server) -> None:
        """Become a replica, and wait until it has all of the primary's data."""
        self.client.replicaof("127.0.0.1", primary.port)
        wait(lambda: self.client.info("replication")["master_link_status"] == "up", "the replica to catch up")

    def promote(self, primary: Server) -> None:
        """Become the primary, once this replica has everything that the old primary acknowledged."""
        wait(lambda: _offset(self) == _offset(primary), "the replica to have the last write")
        self.client.replicaof("NO", "ONE")

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except (redis.ConnectionError, redis.exceptions.BusyLoadingError):
            return False


def wait(condition: Callable[[], bool], what: str) -> None:
    """Poll until the condition holds. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"timed out waiting for {what}")
        time.sleep(0.02)


def _offset(server: Server) -> int:
    info = server.client.info("replication")
    return int(info["slave_repl_offset"] if info["role"] == "slave" else info["master_repl_offset"])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
