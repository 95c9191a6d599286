"""Faults of one server, of its replica, of the network and of the clock."""

from __future__ import annotations

import random

from torture.faults import COMMON, named, seconds
from torture.one_server import OneServer
from torture.proxy import Proxy
from torture.work import LEASE


def kill_server(stage: OneServer, chance: random.Random) -> None:
    """SIGKILL the server, and restart it from its append-only file a moment later."""
    with stage.server_lock:
        stage.primary.kill()
        stage.over.wait(chance.uniform(0, 1))
        stage.primary.start()


def stop_server(stage: OneServer, chance: random.Random) -> None:
    """SIGSTOP the server for longer than a lease, then SIGCONT."""
    with stage.server_lock, stage.late():
        stage.primary.pause()
        stage.over.wait(seconds(chance))
        stage.primary.go_on()


def promote_replica(stage: OneServer, chance: random.Random) -> None:
    """Redirect clients to a replica, promote it a moment later, and kill the old primary."""
    with stage.server_lock:
        old, new = stage.primary, stage.new_server()
        new.follow(old)
        stage.network(lambda link: link.redirect(new.port))
        stage.over.wait(chance.uniform(0.2, 1))
        new.promote(old)
        stage.primary = new
        old.kill()
        if stage.replica is not None:
            stage.renew_replica()


def crash_primary(stage: OneServer, chance: random.Random) -> None:
    """SIGKILL the primary of a durable board, and promote its replica with what that has."""
    assert stage.replica is not None
    with stage.server_lock:
        stage.primary.kill()
        stage.replica.call("REPLICAOF", "NO", "ONE")
        stage.primary = stage.replica
        stage.network(lambda link: link.redirect(stage.primary.port))
        stage.over.wait(chance.uniform(0, 1))
        stage.renew_replica()


def stop_replica(stage: OneServer, chance: random.Random) -> None:
    """SIGSTOP the replica of a durable board for longer than a lease, then SIGCONT."""
    assert stage.replica is not None
    with stage.server_lock:
        stage.replica.pause()
        stage.over.wait(seconds(chance))
        stage.replica.go_on()


def cut_network(stage: OneServer, chance: random.Random) -> None:
    """Break every connection at once."""
    stage.network(Proxy.cut)


def block_network(stage: OneServer, chance: random.Random) -> None:
    """Let nothing through, sometimes for longer than a lease."""
    stage.network(Proxy.block)
    stage.over.wait(chance.choice((0.3, 1, LEASE * 1.3)))
    stage.network(Proxy.heal)


def mute_server(stage: OneServer, chance: random.Random) -> None:
    """Let everything reach the server, and no reply come back."""
    stage.network(Proxy.mute)
    stage.over.wait(chance.uniform(0.1, 0.8))
    stage.network(Proxy.heal)


def freeze_member(stage: OneServer, chance: random.Random) -> None:
    """Hold back all packets of one process, and deliver them later or never."""
    link = stage.choose_link(chance)
    with stage.late():
        link.block()
        stage.over.wait(seconds(chance))
        chance.choice((link.unblock, link.heal))()


def hold_replies(stage: OneServer, chance: random.Random) -> None:
    """Let the requests of one process reach the server, and deliver the replies later or never."""
    link = stage.choose_link(chance)
    with stage.late():
        link.block(replies_only=True)
        stage.over.wait(seconds(chance))
        chance.choice((link.unblock, link.heal))()


def slow_member(stage: OneServer, chance: random.Random) -> None:
    """Delay each packet of one process."""
    link = stage.choose_link(chance)
    with stage.late():
        link.slow(0.5, 2)
        stage.over.wait(seconds(chance))
        link.heal()


def jump_clock(stage: OneServer, chance: random.Random) -> None:
    """Move the clock by up to ten seconds in either direction, and back."""
    with stage.punctual(), stage.jump(chance.uniform(-10, 10)):
        stage.over.wait(chance.uniform(0.5, 3))


FAULTS = COMMON | named(
    *(kill_server, stop_server, promote_replica, jump_clock),
    *(cut_network, block_network, mute_server, freeze_member, hold_replies, slow_member),
)

FAULTS_WITH_REPLICA = FAULTS | named(crash_primary, stop_replica)
"""The faults for a durable board."""
