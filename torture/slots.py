"""Move slots of a cluster from one primary to another."""

from __future__ import annotations

from contextlib import suppress

import redis

from torture.nodes import HOST, Cluster, Node, wait

KEYS = 5
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
    source = begin_move(cluster, slot, target)
    while move_some(slot, source, target):
        pass
    end_move(cluster, slot, target)


def begin_move(cluster: Cluster, slot: int, target: Node) -> Node:
    """Tell the nodes that a slot moves key by key. Returns the node that has it."""
    source = cluster.owner(slot)
    target.call("CLUSTER", "SETSLOT", slot, "IMPORTING", cluster.id_of(source))
    source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", cluster.id_of(target))
    return source


def move_some(slot: int, source: Node, target: Node) -> bool:
    """Move some keys of a slot. Returns whether there were any."""
    keys = source.call("CLUSTER", "GETKEYSINSLOT", slot, KEYS)
    if keys:
        source.call("MIGRATE", HOST, target.port, "", 0, 5000, "KEYS", *keys)
    return bool(keys)


def end_move(cluster: Cluster, slot: int, target: Node) -> None:
    """Tell the primaries that a slot has moved, the new one first."""
    for node in (target, *(one for one in cluster.primaries() if one is not target)):
        node.call("CLUSTER", "SETSLOT", slot, "NODE", cluster.id_of(target))
