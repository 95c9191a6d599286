"""Servers on loopback for tests of many machines: a primary with a replica, and with Sentinels."""

from __future__ import annotations

from tests.helpers import wait_until
from torture.nodes import HOST, Node, Servers, free_port


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
