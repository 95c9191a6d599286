"""The servers of a run: real ones on loopback, with `appendfsync always`."""

from __future__ import annotations

from pathlib import Path

from jobs_core.embedded import find_binary
from torture.nodes import HOST, Node, wait

KEPT = ("--save", "", "--appendonly", "yes", "--appendfsync", "always")
"""Options that keep what a server has acknowledged when it is killed."""


class Server(Node):
    """A server with its data in `folder`. It may be a replica."""

    def __init__(self, folder: Path) -> None:
        words = (*KEPT, "--maxmemory-policy", "noeviction", "--repl-diskless-sync-delay", "0")
        super().__init__(str(find_binary()), folder, words)

    def follow(self, primary: Server) -> None:
        """Become a replica, and wait until it has all of the primary's data."""
        self.call("REPLICAOF", HOST, primary.port)
        wait(lambda: self.call("ROLE")[3] == "connected", "the replica to catch up")

    def promote(self, primary: Server) -> None:
        """Become the primary, once this replica has everything that the old primary acknowledged."""
        wait(lambda: self.offset() == primary.offset(), "the replica to have the last write")
        self.call("REPLICAOF", "NO", "ONE")
