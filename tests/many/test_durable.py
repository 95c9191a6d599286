"""Durable boards: what counts outlives the primary, and what replicas have not confirmed does not count."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from jobs_core import AsyncBoard, Board, Outcome, UnconfirmedError
from jobs_core.engine import durable
from tests.helpers import Jobs, runner, wait_until, working
from tests.many.servers import Pair
from torture.nodes import HOST

pytestmark = pytest.mark.timeout(180)

UNCONFIRMED = "only 0 of 1 replicas have confirmed it, and the board is durable: a failover may undo it"


@pytest.fixture
def board(pair: Pair) -> Iterator[Board]:
    """A durable board."""
    with Board("a", pair.url, validate=False) as found:
        found.retain(durable=1)
        found.commands.forget_connections()  # reads the setting again
        yield found


@contextmanager
def frozen(pair: Pair) -> Iterator[None]:
    """Freeze the replica, for which clients do not wait long then. Afterwards, it catches up."""
    pair.replica.pause()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(durable, "PATIENCE", 0.2)
        yield
    pair.replica.go_on()
    pair.primary.call("SET", "probe", "x")
    wait_until(lambda: pair.primary.call("WAIT", 1, 100) == 1)


def test_what_replicas_have_confirmed_outlives_the_primary(pair: Pair, board: Board) -> None:
    board.put("job", "echo", "x", every=60)
    pushed = [board.push("echo", str(n)) for n in range(50)]
    pushed += [str(id) for id in board.push_many({"runner": "echo", "payload": str(n)} for n in range(700))]
    (held,) = board.pop("echo", lease=600)
    pair.primary.kill()
    pair.replica.call("REPLICAOF", "NO", "ONE")
    with Board("a", f"redis://{HOST}:{pair.replica.port}", validate=False) as promoted:
        assert promoted.show("job")["every"] == 60
        states = {str(task["id"]): task["state"] for task in promoted.tasks(runner="echo")}
        assert states.keys() == {*pushed}
        assert states[held.id] == "leased"


def test_a_push_that_no_replica_has_is_an_error(pair: Pair, board: Board) -> None:
    with frozen(pair):
        with pytest.raises(UnconfirmedError, match=UNCONFIRMED) as raised:
            board.push("echo", "secret")
        assert "secret" not in str(raised.value)
        (refused,) = board.push_many([{"runner": "echo", "payload": "x"}])
        assert isinstance(refused, UnconfirmedError)
        with pytest.raises(UnconfirmedError, match="doctor"):
            board.put("job", "echo", "x", every=60)
        assert board.count()["queued"] == 2  # it says what it knows: a failover may undo them, or not
    assert board.push("echo", "x")


def test_what_another_client_wrote_counts_only_once_it_is_confirmed(pair: Pair, board: Board) -> None:
    task = {"runner": "echo", "payload": "x", "idempotency-key": "once"}
    with frozen(pair):
        with pytest.raises(UnconfirmedError):
            board.put("job", "echo", "x", every=60)
        assert isinstance(*board.push_many([task]), UnconfirmedError)
        with Board("a", pair.url, validate=False) as other:
            assert isinstance(*other.push_many([task]), UnconfirmedError)
        with Board("a", pair.url, validate=False) as other, pytest.raises(UnconfirmedError):
            other.put("job", "echo", "x", every=60)
    assert board.put("job", "echo", "x", every=60)


def fail_over(pair: Pair) -> None:
    """Let the replica take over, and then the primary again, which so begins another history."""
    pair.replica.call("REPLICAOF", "NO", "ONE")
    pair.primary.call("REPLICAOF", HOST, pair.replica.port)
    wait_until(lambda: pair.primary.call("ROLE")[3] == "connected")
    pair.primary.call("REPLICAOF", "NO", "ONE")
    pair.replica.call("REPLICAOF", HOST, pair.primary.port)
    pair.primary.call("SET", "probe", "x")
    wait_until(lambda: pair.primary.call("WAIT", 1, 100) == 1)


BETWEEN = "a failover came in between, and may have undone it"


def test_a_call_does_not_count_if_failovers_come_in_between(pair: Pair, board: Board) -> None:
    board.push("echo", "x")
    fail_over(pair)
    with pytest.raises(UnconfirmedError, match=BETWEEN):
        board.push("echo", "x")
    assert board.push("echo", "x")


def test_nor_does_one_with_asyncio(pair: Pair, board: Board) -> None:
    async def push() -> None:
        async with AsyncBoard("a", pair.url, validate=False) as found:
            await found.push("echo", "x")
            await asyncio.to_thread(fail_over, pair)
            with pytest.raises(UnconfirmedError, match=BETWEEN):
                await found.push("echo", "x")
            assert await found.push("echo", "x")

    asyncio.run(push())


def test_looking_for_work_writes_nothing(pair: Pair, board: Board) -> None:
    board.tick()
    board.pop("echo")
    pair.primary.call("CONFIG", "RESETSTAT")
    assert board.pop("echo") == []
    board.tick()
    assert "cmdstat_set" not in pair.primary.client.info("commandstats")


def test_tasks_that_are_not_confirmed_are_given_back(pair: Pair, board: Board) -> None:
    board.push("echo", "x")
    with frozen(pair):
        with pytest.raises(UnconfirmedError):
            board.pop("echo", lease=600)
        assert board.count()["leased"] == 0
    (task,) = board.pop("echo", lease=600)
    assert task.attempt == 1


def test_a_worker_starts_nothing_that_replicas_do_not_know_of(pair: Pair, board: Board) -> None:
    ran: list[int] = []

    def run(task: Any, context: Any) -> Outcome:
        ran.append(task.attempt)
        return Outcome.done()

    with working(board, runner(run, "echo")) as (_, log):
        board.push("echo", "first")
        wait_until(lambda: ran == [1])
        with frozen(pair):
            with pytest.raises(UnconfirmedError):
                board.push("echo", "second")
            log.wait_for("task.released")
            assert ran == [1]
        wait_until(lambda: ran == [1, 1])
        wait_until(lambda: board.count()["leased"] == 0)
    assert any(UNCONFIRMED in str(event.data["note"]) for event in log.of("trouble"))
    stats = board.stats()
    assert (stats["queued"], stats["done"], stats["lost"]) == (2, 2, 0)


def test_a_board_that_is_not_durable_goes_on_beside_one_that_is(pair: Pair, board: Board) -> None:
    other = Board("b", client=board.client, validate=False)
    work = runner(lambda task, context: Outcome.done(), "echo")
    with working([board, other], work) as (_, log):
        with frozen(pair):
            with pytest.raises(UnconfirmedError):
                board.push("echo", "x")
            assert log.wait_for("trouble")[0].board == board.name
            for count in range(1, 11):
                other.push("echo", "x")
                assert log.wait_for("task.finished", count)[-1].board == other.name
        assert log.wait_for("task.finished", 11)[-1].board == board.name
        assert log.wait_for("recovered")[0].board == board.name


def test_a_lease_whose_renewal_is_not_confirmed_is_not_held(pair: Pair, board: Board) -> None:
    told = threading.Event()

    def run(task: Any, context: Any) -> Outcome:
        context.cancelled.wait(60)
        told.set()
        return Outcome.failed(note="stopped")

    with working(board, runner(run, "echo"), lease=2) as (_, log):
        board.push("echo", "x")
        log.wait_for("task.started")
        with frozen(pair):
            assert told.wait(60)


def test_asyncio_waits_for_replicas(pair: Pair, board: Board) -> None:
    async def use() -> None:
        async with AsyncBoard("a", pair.url, validate=False) as found:
            await found.push("echo", "x")
            with frozen(pair):
                with pytest.raises(UnconfirmedError, match=UNCONFIRMED):
                    await found.push("echo", "x")
                with pytest.raises(UnconfirmedError):
                    await found.pop("echo", lease=600)
                assert (await found.count())["leased"] == 0
            (task,) = await found.pop("echo", lease=600)
            assert task.attempt == 1

    asyncio.run(use())


def test_the_command_line_says_so(pair: Pair, board: Board, jobs: Jobs) -> None:
    board.put("job", "echo", "x", every=60)
    words = ("--url", pair.url, "--board", "a")
    with frozen(pair):
        done = jobs("push", "job", *words)
        assert done.exit_code == 1
        assert UNCONFIRMED in done.stderr
    assert jobs("push", "job", *words).exit_code == 0
    assert "durable" in jobs("retention", *words).stdout
    with frozen(pair):  # switching it off is the way out
        assert jobs("retention", "durable", "off", *words).exit_code == 0
        assert jobs("push", "job", *words).exit_code == 0


def test_doctor_says_what_a_failover_may_lose(pair: Pair, board: Board, jobs: Jobs) -> None:
    def finding() -> tuple[str, str]:
        done = jobs("doctor", "--json", "--url", pair.url, "--board", "a")
        found = {one["check"]: one for one in map(json.loads, done.stdout.splitlines())}["replicas"]
        return found["state"], found["note"]

    assert finding() == ("ok", "1 replica, and the board is durable: a failover loses no push that succeeded")
    board.retain(durable=2)
    state, note = finding()
    assert state == "problem"
    assert note.startswith("the board is durable with 2 replicas, and 1 replica is connected: pushes fail")
    board.retain(durable="off")
    state, note = finding()
    assert state == "ok"
    assert "a failover may lose the last pushes" in note


def test_tasks_with_a_short_lease_are_given_back_before_it_ends(pair: Pair, board: Board) -> None:
    """However long the replica is away: a task that nobody has started has not been lost."""
    try:
        with working(board, runner(lambda task, context: Outcome.done()), lease=60):
            pair.replica.pause()
            with pytest.raises(UnconfirmedError) as pushed:
                board.push("test", "x", lease=1, losses=1)
            task = str(pushed.value.reply)
            wait_until(lambda: board.stats()["released"] >= 4)
            assert board.stats()["lost"] == 0
            pair.replica.go_on()
            assert board.wait(task, 60)["what"] == "done"
    finally:
        pair.replica.go_on()
    assert (board.stats()["lost"], board.stats()["dead"]) == (0, 0)


@pytest.mark.parametrize("client", ["sync", "asyncio"])
def test_all_partitions_stop_being_durable_without_a_replica(pair: Pair, jobs: Jobs, client: str) -> None:
    """Switching it off is the way out, there, too: doctor says so, and each partition hears of it."""

    async def switch_off() -> None:
        async with AsyncBoard("spread", pair.url, validate=False) as found:
            await found.retain(durable="off")

    def durable_parts() -> list[str | None]:
        return spread.commands.each(lambda client, keys: client.hget(keys.settings, "durable"))

    with Board("spread", pair.url, validate=False) as spread:
        spread.init(partitions=4)
        spread.retain(durable=1)
        with frozen(pair):
            spread.commands.forget_connections()
            with pytest.raises(UnconfirmedError, match=UNCONFIRMED):
                spread.push("echo", "x")
            if client == "sync":
                spread.retain(durable="off")
            else:
                asyncio.run(switch_off())
            assert durable_parts() == ["off"] * 4
            spread.commands.forget_connections()
            assert [spread.push("echo", "x") for _ in range(4)]
        spread.client.hset("{spread.2}:settings", "durable", "1")  # as if it had not heard of it yet
        done = jobs("doctor", "--json", "--url", pair.url, "--board", "spread")
        assert '"check": "replicas", "state": "warning", "note": "not all partitions know yet' in done.stdout
