"""Servers on loopback for tests of many machines: a cluster, and a primary with a replica and Sentinels."""

from __future__ import annotations

import signal
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis

from tests.helpers import wait_until

HOST = "127.0.0.1"

SLOTS = 16384
"""The hash slots of a cluster."""


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


@dataclass
class Node:
    """A server process, its port and a client of it."""

    binary: str
    folder: Path
    words: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.client = redis.Redis(HOST, self.port, decode_responses=True, protocol=2)

    def start(self) -> Self:
        """Start the server, with the data that it has, and wait until it answers."""
        self.folder.mkdir(exist_ok=True)
        own = ("--port", str(self.port), "--bind", HOST, "--dir", str(self.folder), "--logfile", "log")
        self.process = subprocess.Popen([self.binary, *self.words, *own], stdout=subprocess.DEVNULL)
        wait_until(self.answers)
        return self

    def answers(self) -> bool:
        """Whether the server answers."""
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def call(self, *words: Any) -> Any:
        """Call a command."""
        return self.client.execute_command(*words)  # type: ignore[no-untyped-call]

    def role(self) -> str:
        """Return `master` or `slave`."""
        return str(self.call("ROLE")[0])

    def kill(self) -> None:
        """End the server as a crash does."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def pause(self) -> None:
        """Freeze the server."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """End its freeze."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


class Servers:
    """Servers that end with the block."""

    def __init__(self, binary: str, folder: Path) -> None:
        self.binary, self.folder = binary, folder
        self.nodes: list[Node] = []

    def __enter__(self) -> Self:
        try:
            self.begin()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def begin(self) -> None:
        """Start the servers that the block begins with."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for node in self.nodes:
            node.kill()
            node.client.close()

    def add(self, *words: str, port: int | None = None) -> Node:
        """Start one more server."""
        node = Node(self.binary, self.folder / str(len(self.nodes)), words, port or free_port())
        self.nodes.append(node)
        return node.start()


class Cluster(Servers):
    """A cluster of primaries, by default three, each with as many replicas."""

    def __init__(
        self, binary: str, folder: Path, replicas: int = 0, timeout: int = 1000, primaries: int = 3
    ) -> None:
        super().__init__(binary, folder)
        self._primaries, self._replicas, self._timeout = primaries, replicas, timeout

    def begin(self) -> None:
        """Start the nodes, share the slots among the primaries, and wait until all agree."""
        count = self._primaries
        for _ in range(count * (1 + self._replicas)):
            self._add_node()
        primaries, replicas = self.nodes[:count], self.nodes[count:]
        for node in self.nodes[1:]:
            node.call("CLUSTER", "MEET", HOST, self.nodes[0].port, self._bus(self.nodes[0]))
        bounds = [-(-SLOTS * place // count) for place in range(count + 1)]
        for node, first, after in zip(primaries, bounds, bounds[1:], strict=False):
            node.call("CLUSTER", "ADDSLOTSRANGE", first, after - 1)
        wait_until(lambda: all(self._knows_all(node) for node in self.nodes))
        for place, node in enumerate(replicas):
            node.call("CLUSTER", "REPLICATE", self.id_of(primaries[place % count]))
        wait_until(lambda: all(self._is_ready(node) for node in self.nodes))

    def _add_node(self) -> None:
        port, bus = free_port(), free_port()
        words = ("--cluster-enabled", "yes", "--cluster-port", str(bus), "--save", "")
        timing = ("--cluster-node-timeout", str(self._timeout), "--cluster-replica-validity-factor", "0")
        self.add(*words, *timing, "--repl-diskless-sync-delay", "0", port=port)

    @staticmethod
    def _bus(node: Node) -> str:
        return node.words[node.words.index("--cluster-port") + 1]

    def _knows_all(self, node: Node) -> bool:
        return len(str(node.call("CLUSTER", "NODES")).splitlines()) == len(self.nodes)

    @staticmethod
    def _is_ready(node: Node) -> bool:
        if "cluster_state:ok" not in str(node.call("CLUSTER", "INFO")):
            return False
        role: Any = node.call("ROLE")
        return bool(role[0] == "master" or role[3] == "connected")

    @staticmethod
    def id_of(node: Node) -> str:
        """Return the id of a node in the cluster."""
        return str(node.call("CLUSTER", "MYID"))

    @property
    def url(self) -> str:
        """The URL of the cluster, by all its nodes."""
        return "redis+cluster://" + ",".join(f"{HOST}:{node.port}" for node in self.nodes)

    def owner(self, slot: int) -> Node:
        """Return the primary that has a slot, by the nodes that answer."""
        for node in self.nodes:
            if node.answers():
                for first, last, primary, *_ in node.call("CLUSTER", "SLOTS"):
                    if first <= slot <= last:
                        return next(one for one in self.nodes if one.port == primary[1])
        raise LookupError(slot)


class Pair(Servers):
    """A primary and a replica, which nobody promotes but the test."""

    def begin(self) -> None:
        """Start both, and wait until the replica has caught up."""
        self.primary = self.add("--appendonly", "yes", "--repl-diskless-sync-delay", "0")
        words = ("--appendonly", "yes", "--replicaof", HOST, str(self.primary.port))
        self.replica = self.add(*words, "--repl-diskless-sync-delay", "0")
        wait_until(lambda: self.replica.call("ROLE")[3] == "connected")

    @property
    def url(self) -> str:
        """The URL of the primary."""
        return f"redis://{HOST}:{self.primary.port}"


class Watched(Pair):
    """A primary, a replica and three Sentinels."""

    service = "mymaster"

    def begin(self) -> None:
        """Start the servers, and wait until the Sentinels know of each other."""
        super().begin()
        self.sentinels = [self._add_sentinel(self.primary) for _ in range(3)]
        wait_until(lambda: all(self._sees_all(node) for node in self.sentinels))

    def _add_sentinel(self, primary: Node) -> Node:
        port = free_port()
        folder = self.folder / f"sentinel-{port}"
        folder.mkdir()
        config = folder / "sentinel.conf"
        config.write_text(
            f"port {port}\nbind {HOST}\ndir {folder}\n"
            f"sentinel monitor {self.service} {HOST} {primary.port} 2\n"
            f"sentinel down-after-milliseconds {self.service} 1000\n"
            f"sentinel failover-timeout {self.service} 5000\n"
        )
        node = Node(self.binary, folder, (str(config), "--sentinel"), port)
        self.nodes.append(node)
        return node.start()

    def _sees_all(self, node: Node) -> bool:
        flat = node.call("SENTINEL", "MASTER", self.service)
        found = dict(zip(flat[::2], flat[1::2], strict=True))
        return int(found["num-slaves"]) == 1 and int(found["num-other-sentinels"]) == 2

    @property
    def url(self) -> str:
        """The URL by the Sentinels."""
        places = ",".join(f"{HOST}:{node.port}" for node in self.sentinels)
        return f"redis+sentinel://{places}/{self.service}"
