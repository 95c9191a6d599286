"""Move slots of a cluster from one primary to another."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import redis

from torture.nodes import HOST, Cluster, Node, wait

KEYS = 5
"""Keys to move at once."""


def can_move_whole(node: Node) -> bool:
    """Return whether a server can move a slot as a whole, as Valkey can from version 9 on."""
    return any("MIGRATESLOTS" in line for line in node.call("CLUSTER", "HELP"))


def move_whole(cluster: Cluster, slot: int, to: Node) -> None:
    """Move a slot with CLUSTER MIGRATESLOTS to the primary that a node is, or follows."""

    def has_moved() -> bool:
        source, target = cluster.owner(slot), cluster.primary_of(to)
        if source is not target:
            source.call("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", cluster.id_of(target))
        return source is target

    _insist(has_moved)


def move_by_key(cluster: Cluster, slot: int, to: Node) -> None:
    """Move a slot key by key, as `redis-cli --cluster reshard` does. Until the end, nobody serves it."""

    def has_moved() -> bool:
        target = cluster.primary_of(to)
        if cluster.owner(slot) is not target:
            source = begin_move(cluster, slot, target)
            while move_some(slot, source, target):
                pass
        end_move(cluster, slot, target)
        return True

    _insist(has_moved)


def _insist(has_moved: Callable[[], bool]) -> None:
    """Try a move again and again: a server may be too slow, or be replaced, or still move the slot."""

    def succeeds() -> bool:
        with suppress(redis.RedisError):
            return has_moved()
        return False

    wait(succeeds, "a slot to move")


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
        source.call("MIGRATE", HOST, target.port, "", 0, 5000, "REPLACE", "KEYS", *keys)
    return bool(keys)


def end_move(cluster: Cluster, slot: int, target: Node) -> None:
    """Tell the primaries that a slot has moved, the new one first."""
    for node in (target, *(one for one in cluster.primaries() if one is not target)):
        node.call("CLUSTER", "SETSLOT", slot, "NODE", cluster.id_of(target))
