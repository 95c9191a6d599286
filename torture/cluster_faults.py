"""Faults of the nodes of a cluster. One node is away at a time, and each primary gets its replica back."""

from __future__ import annotations

import random
from contextlib import suppress

import redis

from torture import slots
from torture.clustered import NODE_TIMEOUT, Clustered
from torture.faults import COMMON, named, seconds
from torture.nodes import Node, wait


def kill_primary(stage: Clustered, chance: random.Random) -> None:
    """SIGKILL a primary. It comes back as the replica of the one that took over, or before anyone could."""
    with stage.server_lock:
        primary, replica = stage.choose_pair(chance)
        primary.kill()
        if chance.random() < 0.7:
            wait(lambda: replica.role() == "master", "the replica to take over")
        stage.over.wait(chance.uniform(0, 1))
        primary.start()
        stage.wait_until_whole()


def kill_replica(stage: Clustered, chance: random.Random) -> None:
    """SIGKILL a replica, and restart it a moment later."""
    with stage.server_lock:
        _, replica = stage.choose_pair(chance)
        replica.kill()
        stage.over.wait(chance.uniform(0, 3))
        replica.start()
        stage.wait_until_whole()


def promote_replica(stage: Clustered, chance: random.Random) -> None:
    """CLUSTER FAILOVER: the primary hands its slots over to its replica."""
    with stage.server_lock:
        _, replica = stage.choose_pair(chance)
        _take_over(replica)
        stage.wait_until_whole()


def force_replica(stage: Clustered, chance: random.Random) -> None:
    """CLUSTER FAILOVER FORCE: a replica takes over without asking its primary."""
    with stage.server_lock:
        _, replica = stage.choose_pair(chance)
        _take_over(replica, "FORCE")
        stage.wait_until_whole()


def _take_over(replica: Node, *how: str) -> None:
    def has_taken_over() -> bool:
        """Ask for it again and again: nodes may give a failover up."""
        with suppress(redis.RedisError):
            if replica.role() == "master":
                return True
            replica.call("CLUSTER", "FAILOVER", *how)
        return False

    wait(has_taken_over, "the replica to take over")


def freeze_primary(stage: Clustered, chance: random.Random) -> None:
    """SIGSTOP a primary, mostly for longer than nodes wait for it, then SIGCONT."""
    with stage.server_lock:
        primary, _ = stage.choose_pair(chance)
        _freeze(stage, primary, chance)


def freeze_replica(stage: Clustered, chance: random.Random) -> None:
    """SIGSTOP a replica, then SIGCONT."""
    with stage.server_lock:
        _, replica = stage.choose_pair(chance)
        _freeze(stage, replica, chance)


def _freeze(stage: Clustered, node: Node, chance: random.Random) -> None:
    node.pause()
    stage.over.wait(
        chance.uniform(0.2, 1) if chance.random() < 0.2 else NODE_TIMEOUT / 1000 + seconds(chance)
    )
    node.go_on()
    stage.wait_until_whole()


def move_slot(stage: Clustered, chance: random.Random) -> None:
    """Move the slot of a board to another primary: as a whole where servers can, or key by key."""
    with stage.server_lock:
        slot = stage.choose_slot(chance)
        source = stage.cluster.owner(slot)
        target = chance.choice([node for node in stage.cluster.primaries() if node is not source])
        move = slots.move_whole if stage.moves_whole and chance.random() < 0.7 else slots.move_by_key
        move(stage.cluster, slot, target)
        stage.wait_until_whole()
        primary, replica = stage.cluster.pair_of(slot)
        written = primary.offset()
        wait(lambda: replica.offset() >= written, "the replica to have a slot that moved")


LOSING = named(kill_primary, freeze_primary, force_replica)
"""The faults after which a primary may lack what the one before has acknowledged."""

NODE_FAULTS = LOSING | named(kill_replica, freeze_replica, promote_replica, move_slot)

FAULTS = COMMON | NODE_FAULTS
