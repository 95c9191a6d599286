"""Servers on loopback, alone and as a cluster."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis

HOST = "127.0.0.1"
PATIENCE = 60.0
"""Timeout for a server to load, a replica to catch up, or a cluster to agree, in seconds."""

ANSWER = 10.0
"""Timeout for the answer of a server, in seconds."""

SLOTS = 16384
"""The hash slots of a cluster."""


PORTS = range(10_000, 32_000)
"""Below those that connections use, so that none takes a port before its server does."""


def free_port() -> int:
    """Return a port that nobody uses."""
    while True:
        port = random.SystemRandom().choice(PORTS)  # tests may seed the other one
        with socket.socket() as found, suppress(OSError):
            found.bind((HOST, port))
            return port


def wait(condition: Callable[[], bool], what: str) -> None:
    """Poll until the condition holds. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"timed out waiting for {what}")
        time.sleep(0.02)


@dataclass(eq=False)
class Node:
    """A server process with its data in `folder`, its port and a client of it.

    `start` after `kill` loads this data, if its options in `words` let it keep any.
    """

    binary: str
    folder: Path
    words: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.client = redis.Redis(HOST, self.port, decode_responses=True, protocol=2, socket_timeout=ANSWER)

    def start(self) -> Self:
        """Start the server, with the data that it has, and wait until it answers."""
        self.folder.mkdir(exist_ok=True)
        own = ("--port", str(self.port), "--bind", HOST, "--dir", str(self.folder), "--logfile", "log")
        self.process = subprocess.Popen([self.binary, *self.words, *own], stdout=subprocess.DEVNULL)
        wait(self.answers, "a server to answer")
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

    def offset(self) -> int:
        """Return how much of the primary's writes the server has."""
        info = self.client.info("replication")
        return int(info["slave_repl_offset"] if info["role"] == "slave" else info["master_repl_offset"])

    def kill(self) -> None:
        """End the server as a crash does."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def pause(self) -> None:
        """Freeze the server."""
        self._send(signal.SIGSTOP)

    def go_on(self) -> None:
        """End its freeze."""
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)


class Servers:
    """Servers that end with the block."""

    def __init__(self, binary: str, folder: Path) -> None:
        self.binary, self.folder = binary, folder
        self.nodes: list[Node] = []

    def __enter__(self) -> Self:
        try:
            self.begin()
        except BaseException:
            self.close()
            raise
        return self

    def begin(self) -> None:
        """Start the servers that the block begins with."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all servers."""
        for node in self.nodes:
            node.kill()
            node.client.close()

    def add(self, *words: str, port: int | None = None) -> Node:
        """Start one more server."""
        node = Node(self.binary, self.folder / str(len(self.nodes)), words, port or free_port())
        self.nodes.append(node)
        return node.start()


class Cluster(Servers):
    """A cluster of primaries, each with as many replicas.

    Args:
        binary: The program of the servers.
        folder: Where they keep their data.
        replicas: The replicas of each primary.
        timeout: Milliseconds without an answer after which the nodes replace a primary.
        primaries: The number of primaries.
        words: More options of the servers.
    """

    def __init__(
        self,
        binary: str,
        folder: Path,
        replicas: int = 0,
        timeout: int = 1000,
        primaries: int = 3,
        words: tuple[str, ...] = (),
    ) -> None:
        super().__init__(binary, folder)
        self._primaries, self._replicas, self._timeout = primaries, replicas, timeout
        self._words = words

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
        wait(lambda: all(self._knows_all(node) for node in self.nodes), "the nodes to know each other")
        for place, node in enumerate(replicas):
            node.call("CLUSTER", "REPLICATE", self.id_of(primaries[place % count]))
        wait(self.is_whole, "the cluster to be whole")

    def _add_node(self) -> None:
        port, bus = free_port(), free_port()
        words = ("--cluster-enabled", "yes", "--cluster-port", str(bus), "--save", "", *self._words)
        timing = ("--cluster-node-timeout", str(self._timeout), "--cluster-replica-validity-factor", "0")
        self.add(*words, *timing, "--repl-diskless-sync-delay", "0", port=port)

    @staticmethod
    def _bus(node: Node) -> str:
        return node.words[node.words.index("--cluster-port") + 1]

    def _knows_all(self, node: Node) -> bool:
        return len(str(node.call("CLUSTER", "NODES")).splitlines()) == len(self.nodes)

    def is_whole(self) -> bool:
        """Whether all nodes serve: each replica has caught up with its primary, and no primary is without."""
        try:
            roles = [node.call("ROLE") for node in self.nodes]
            served = all("cluster_state:ok" in str(node.call("CLUSTER", "INFO")) for node in self.nodes)
        except redis.RedisError:
            return False
        replicas = [role for role in roles if role[0] == "slave"]
        followed = {role[2] for role in replicas if role[3] == "connected"}
        count = self._primaries
        return served and len(replicas) == len(roles) - count and (not replicas or len(followed) == count)

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

    def primaries(self) -> list[Node]:
        """Return the primaries, by what each node says of itself."""
        return [node for node in self.nodes if node.role() == "master"]

    def primary_of(self, node: Node) -> Node:
        """Return the primary that a node follows, or the node itself, by what it says of itself."""
        role = node.call("ROLE")
        if role[0] == "master":
            return node
        return next(one for one in self.nodes if one.port == role[2])

    def pair_of(self, slot: int) -> tuple[Node, Node]:
        """Return the primary of a slot and a replica, once nodes agree on them: a failover takes a moment."""
        found: list[tuple[Node, Node]] = []

        def have_agreed() -> bool:
            with suppress(redis.RedisError, LookupError):
                primary = self.owner(slot)
                roles = ((node, node.call("ROLE")) for node in self.nodes)
                replicas = [node for node, role in roles if role[0] == "slave" and role[2] == primary.port]
                found[:] = [(primary, node) for node in replicas]
            return bool(found)

        wait(have_agreed, "the nodes to agree who follows a primary")
        return found[0]
