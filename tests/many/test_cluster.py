"""A board in a cluster: found by its slot, on whichever node that is."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from redis.cluster import RedisCluster
from redis.crc import key_slot

from jobs_core import AsyncBoard, Board, Check, Finding, Outcome, Plugins, ServerError, hookimpl
from jobs_core.client.diagnose import run_checks
from jobs_core.engine.roles import PLACEHOLDER, ROLE_NAMES, acl_rules, as_version, role
from tests.helpers import runner, wait_until, working
from torture import slots
from torture.nodes import HOST, Cluster

pytestmark = pytest.mark.timeout(180)


def slot_of(board: Board) -> int:
    found: int = board.client.connection_pool.connection_kwargs["route"].slot
    return found


def take_over(cluster: Cluster, slot: int) -> None:
    """Let the replica of a slot's primary become the primary, in good order."""
    old, replica = cluster.pair_of(slot)

    def has_taken_over() -> bool:
        """Ask for it again and again: a failover that comes soon after another may be given up."""
        if replica.role() == "slave":
            with suppress(redis.ResponseError):  # it may have taken over just now
                replica.call("CLUSTER", "FAILOVER")
        return replica.role() == "master" and old.role() == "slave"

    wait_until(has_taken_over)


def test_boards_are_found_on_all_nodes(cluster: Cluster) -> None:
    owners = set()
    for name in ("a", "b", "c", "d", "e", "f"):
        with Board(name, cluster.url, validate=False) as board:
            board.init()
            board.put("x", "echo", "y", every=3600)
            assert board.count()["jobs"] == 1
            owners.add(cluster.owner(slot_of(board)).port)
    assert len(owners) == 3


def test_one_node_in_the_url_is_enough(cluster: Cluster) -> None:
    for node in cluster.nodes[:3]:
        with Board("one", f"redis+cluster://{HOST}:{node.port}", validate=False) as board:
            board.init()
            board.push("echo", "x")
    assert board.name == "one"
    with Board("one", cluster.url, validate=False) as board:
        assert board.count()["queued"] == 3


def test_a_worker_serves_boards_of_several_nodes(cluster: Cluster) -> None:
    with Board("a", cluster.url, validate=False) as first:
        others = [Board(name, client=first.client, validate=False) for name in ("b", "c", "d", "e", "f")]
        boards = [first, *others]
        assert len({cluster.owner(slot_of(board)).port for board in boards}) == 3
        for board in boards:
            board.init()
        with working(boards, runner(lambda task, context: Outcome.done()), concurrency=2) as (_, log):
            for count, board in enumerate((*boards, *boards), 1):
                board.push("test", "x")
                assert log.wait_for("task.finished", count)[-1].board == board.name
            for board in boards:
                board.put("due", "test", "x", at="+0.01")
            assert sorted(e.board for e in log.wait_for("task.finished", 18)[12:]) == list("abcdef")
        for board in others:
            board.close()


def test_a_client_follows_its_board_to_another_node(cluster: Cluster) -> None:
    with Board("moving", cluster.url, validate=False) as board:
        board.init()
        for n in range(3):
            take_over(cluster, slot_of(board))
            board.push("echo", str(n))
        assert board.count()["queued"] == 3


def test_asyncio_follows_its_board_to_another_node(cluster: Cluster) -> None:
    async def use() -> int:
        async with AsyncBoard("moving-aio", cluster.url, validate=False) as board:
            await board.init()
            for n in range(3):
                await asyncio.to_thread(
                    take_over, cluster, board.client.connection_pool.connection_kwargs["route"].slot
                )
                await board.push("echo", str(n))
            return (await board.count())["queued"]

    assert asyncio.run(use()) == 3


def test_a_worker_goes_on_when_its_board_moves(cluster: Cluster) -> None:
    ran: list[str] = []

    def run(task: Any, context: Any) -> Outcome:
        ran.append(task.raw)
        return Outcome.done()

    with Board("busy", cluster.url, validate=False) as board:
        board.init()
        with working(board, runner(run, "echo")):
            for n in range(3):
                take_over(cluster, slot_of(board))
                board.push("echo", str(n))
                wait_until(lambda n=n: str(n) in ran)  # type: ignore[misc]
        assert sorted(ran) == ["0", "1", "2"]
        assert board.stats()["done"] == 3


def test_a_slot_that_valkey_moves_as_a_whole_is_followed(cluster: Cluster) -> None:
    """CLUSTER MIGRATESLOTS: the source serves the board until the target does."""
    with Board("migrating", cluster.url, validate=False) as board:
        board.init()
        board.put("x", "echo", "y", every=3600)
        slot = slot_of(board)
        source = cluster.owner(slot)
        target = next(node for node in cluster.nodes if node.role() == "master" and node is not source)
        words = ("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", cluster.id_of(target))
        try:
            source.call(*words)
        except redis.ResponseError:
            pytest.skip("this server cannot move slots as a whole")
        while cluster.owner(slot) is source:
            board.push("echo", "x")
        board.push("echo", "x")
        assert board.show("x")["every"] == 3600
        assert board.count()["queued"] == board.stats()["pushed"]


def test_a_new_client_waits_for_a_failover(cluster: Cluster) -> None:
    """Other nodes know the board's primary, so its address is right, though nobody answers there."""
    with Board("crash", cluster.url, validate=False) as board:
        board.init()
        primary, replica = cluster.pair_of(slot_of(board))
    primary.kill()
    with Board("crash", cluster.url, validate=False) as board:
        board.commands.patience = 60.0
        assert board.push("echo", "x")
        assert board.count()["queued"] == 1
    assert replica.role() == "master"
    primary.start()
    wait_until(cluster.is_whole)


def test_a_new_client_that_asks_the_wrong_node_asks_the_right_one(cluster: Cluster) -> None:
    with Board("wrong", cluster.url, validate=False) as board:
        board.init()
        owner = cluster.owner(slot_of(board))
    with Board("wrong", cluster.url, validate=False) as board:
        wrong = next(node for node in cluster.primaries() if node is not owner)
        board.client.connection_pool.connection_kwargs["route"].learn((HOST, wrong.port))
        assert board.commands.read(lambda client: client.exists(board.keys.layout)) == 1


def test_a_slot_that_moves_key_by_key_is_waited_for(cluster: Cluster) -> None:
    """SETSLOT and MIGRATE: nobody sees a part of the board, and calls go on when all of it is there."""
    with Board("reshard", cluster.url, validate=False) as board:
        board.init()
        pushed = [board.push("echo", str(n)) for n in range(10)]
        slot = slot_of(board)
        source = cluster.owner(slot)
        target = next(node for node in cluster.primaries() if node is not source)
        slots.begin_move(cluster, slot, target)
        hasty = board.commands.with_timeout(patience=0)
        for call in (("JCOUNT",), ("JPUSH", "echo", "lost"), ("JPOP", 1, "echo")):
            with pytest.raises(ServerError, match="is moving this board to another node"):
                hasty.call(*call)
        with ThreadPoolExecutor() as pool:
            late = pool.submit(board.push, "echo", "late")
            assert slots.move_some(slot, source, target)
            assert not late.done()
            while slots.move_some(slot, source, target):
                pass
            slots.end_move(cluster, slot, target)
            pushed.append(late.result(timeout=60))
        assert cluster.owner(slot) is target
        assert {task["id"] for task in board.tasks(runner="echo")} == {*pushed}
        assert board.stats()["queued"] == 11


def test_doctor_waits_once_for_a_slot_on_its_way(cluster: Cluster) -> None:
    patience: list[float] = []

    def ask(board: Any) -> Finding:
        patience.append(board.commands.patience)
        return Finding("ok", f"{board.count()['jobs']} jobs")

    plugins = Plugins()
    plugins.add("test", SimpleNamespace(jobs_checks=hookimpl(lambda: [Check(n, ask, n) for n in "ab"])))
    with Board("slow", cluster.url, validate=False, plugins=plugins) as board:
        board.init()
        slot = slot_of(board)
        source = cluster.owner(slot)
        target = next(node for node in cluster.primaries() if node is not source)
        slots.begin_move(cluster, slot, target)
        found = {check.name: finding for check, finding in run_checks(board)}
        slots.move_by_key(cluster, slot, target)
    first, *others = patience
    assert first > 0
    assert others == [0]
    assert "is being migrated key by key" in found["slot"].note


def test_doctor_says_only_that_a_board_does_not_exist(cluster: Cluster) -> None:
    with Board("nowhere", cluster.url, validate=False) as board:
        found = {check.name: finding for check, finding in run_checks(board)}
    assert [name for name, finding in found.items() if finding.state == "problem"] == ["board"]
    assert "run `jobs init --board nowhere`" in found.popitem()[1].note


def test_a_client_of_one_node_is_told_that_it_is_in_a_cluster(cluster: Cluster) -> None:
    for node in cluster.primaries():
        with Board("lost", f"redis://{HOST}:{node.port}", validate=False) as board:
            if cluster.owner(key_slot(b"{lost}")) is not node:
                with pytest.raises(
                    ServerError, match=r"is a node of a cluster, .* Write redis\+cluster:// in"
                ):
                    board.count()


def test_users_with_the_permissions_of_a_role_find_their_board(cluster: Cluster) -> None:
    """Nobody but an admin makes the board. The others do what their roles say, and see nothing amiss."""
    version = cluster.nodes[0].client.info("server")["redis_version"]
    urls = {}
    for name in ROLE_NAMES:
        rules = acl_rules(role(name), "team", as_version(version), has_partitions=True)
        for node in cluster.nodes:
            node.call(
                "ACL", "SETUSER", name, *(f">{name}" if rule == PLACEHOLDER else rule for rule in rules)
            )
        urls[name] = cluster.url.replace("//", f"//{name}:{name}@")
    boards = {name: Board("team", url, validate=False) for name, url in urls.items()}
    boards["admin"].init(partitions=4)
    task = boards["client"].push("test", "x")
    with working(boards["worker"], runner(lambda task, context: Outcome.done())):
        assert boards["client"].wait(task, 30)["what"] == "done"
    assert boards["viewer"].count()["queued"] == 0
    for name, board in boards.items():
        found = {check.name: finding for check, finding in run_checks(board)}
        assert not [finding for finding in found.values() if finding.state == "problem"], (name, found)
        board.close()
    without = cluster.owner(key_slot(b"{team.0}"))
    without.call("ACL", "DELUSER", "viewer")
    with (
        Board("team", urls["viewer"], validate=False) as board,
        pytest.raises(ServerError, match=rf"{HOST}:{without.port}, a node of .* rejected the user name"),
    ):
        board.count()


def test_a_cluster_client_can_be_passed(cluster: Cluster) -> None:
    client = RedisCluster(HOST, cluster.nodes[0].port, decode_responses=True)
    with Board("given", client=client, validate=False) as board:
        board.init()
        board.push("echo", "x")
        assert board.count()["queued"] == 1
    assert client.ping()
    client.close()


def test_a_cluster_that_is_away_is_one_sentence() -> None:
    with (
        Board("a", f"redis+cluster://{HOST}:1,{HOST}:2", validate=False) as board,
        pytest.raises(
            ServerError, match=r"no node of the cluster of 127\.0\.0\.1:1, 127\.0\.0\.1:2 answered"
        ) as caught,
    ):
        board.count()
    assert "\n" not in str(caught.value)


def test_init_loads_the_functions_into_every_primary(cluster: Cluster) -> None:
    with Board("everywhere", cluster.url, validate=False) as board:
        primaries = [node for node in cluster.nodes if node.role() == "master"]
        for node in primaries:
            node.client.function_flush()
        board.init()
        for node in primaries:
            assert node.client.function_list("jobs")


def test_init_waits_for_a_slow_primary(cluster: Cluster) -> None:
    """Others may tell where the board is, but each primary loads the functions itself."""
    with Board("slow", cluster.url, validate=False) as board:
        other = next(node for node in cluster.primaries() if node is not cluster.owner(slot_of(board)))
        other.client.function_flush()
        other.client.client_pause(1500)
        board.init()
        assert other.client.function_list("jobs")
