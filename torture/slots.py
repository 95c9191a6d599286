"""Move slots of a cluster from one primary to another."""

from __future__ import annotations

from contextlib import suppress

import redis

from torture.nodes import HOST, Cluster, Node, wait

KEYS = 20
"""Keys to move at once."""


def can_move_whole(node: Node) -> bool:
    """Return whether a server can move a slot as a whole, as Valkey can from version 9 on."""
    return any("MIGRATESLOTS" in line for line in node.call("CLUSTER", "HELP"))


def move_whole(cluster: Cluster, slot: int, target: Node) -> None:
    """Move a slot with CLUSTER MIGRATESLOTS, and again if that fails, until all nodes know."""

    def has_moved() -> bool:
        source = cluster.owner(slot)
        if source is target:
            return True
        with suppress(redis.ResponseError):  # it is moving, or has just moved
            source.call("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", cluster.id_of(target))
        return False

    wait(has_moved, "a slot to move")


def move_by_key(cluster: Cluster, slot: int, target: Node) -> None:
    """Move a slot key by key, as `redis-cli --cluster reshard` does."""
    source = cluster.owner(slot)
    target.call("CLUSTER", "SETSLOT", slot, "IMPORTING", cluster.id_of(source))
    source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", cluster.id_of(target))
    while keys := source.call("CLUSTER", "GETKEYSINSLOT", slot, KEYS):
        source.call("MIGRATE", HOST, target.port, "", 0, 5000, "KEYS", *keys)
    for node in (target, *(one for one in cluster.primaries() if one is not target)):
        node.call("CLUSTER", "SETSLOT", slot, "NODE", cluster.id_of(target))
