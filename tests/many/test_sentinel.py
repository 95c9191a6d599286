"""A board behind Sentinel: the primary is killed under load, and runs go on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis
from redis.sentinel import Sentinel

from jobs_core import AsyncBoard, Board, Outcome, ServerError
from tests.helpers import Jobs, runner, wait_until, working
from tests.many.servers import Pair, Watched
from torture.nodes import HOST

pytestmark = pytest.mark.timeout(180)


def test_runs_go_on_after_the_primary_is_killed(watched: Watched) -> None:
    ran: set[str] = set()

    def run(task: Any, context: Any) -> Outcome:
        ran.add(task.raw)
        return Outcome.done()

    with Board("a", watched.url, validate=False) as board, working(board, runner(run, "echo")):
        for n in range(100):
            board.push("echo", str(n))
        wait_until(lambda: len(ran) == 100)
        watched.nodes[0].kill()
        pushed = 0
        while pushed < 100:
            try:
                board.push("echo", f"later-{pushed}")
                pushed += 1
            except ServerError:
                continue
        wait_until(lambda: len(ran) == 200)
        assert watched.nodes[1].role() == "master"
        wait_until(lambda: board.count()["leased"] == 0)
        stats = board.stats()
        assert stats["queued"] == stats["done"]


def test_asyncio_finds_the_new_primary(watched: Watched) -> None:
    async def use() -> int:
        async with AsyncBoard("a", watched.url, validate=False) as board:
            await board.push("echo", "x")
            watched.nodes[0].kill()
            while True:
                try:
                    return (await board.count())["queued"]
                except ServerError:
                    await asyncio.sleep(0.1)

    assert asyncio.run(use()) <= 1  # replication is asynchronous


def test_a_client_of_sentinel_can_be_passed(watched: Watched) -> None:
    kind: Any = Sentinel
    sentinel = kind([(HOST, node.port) for node in watched.sentinels])
    client = sentinel.master_for(watched.service, redis_class=redis.Redis, decode_responses=True)
    with Board("given", client=client, validate=False) as board:
        board.push("echo", "x")
        assert board.count()["queued"] == 1


def test_an_unknown_primary_is_one_sentence(watched: Watched) -> None:
    url = watched.url.replace(watched.service, "nobody")
    with (
        Board("a", url, validate=False) as board,
        pytest.raises(ServerError, match=r"no Sentinel of .* knows a primary named 'nobody'") as caught,
    ):
        board.count()
    assert "\n" not in str(caught.value)


def test_a_server_that_is_no_sentinel_is_named(pair: Pair) -> None:
    place = f"{HOST}:{pair.primary.port}"
    with (
        Board("a", f"redis+sentinel://{place}/mymaster", validate=False) as board,
        pytest.raises(ServerError, match=rf"{place} is no Sentinel: for a server of Redis, write redis://"),
    ):
        board.count()


def test_a_sentinel_in_a_plain_url_is_named(watched: Watched, jobs: Jobs) -> None:
    place = watched.url.partition("//")[2].partition("/")[0].split(",")[0]
    done = jobs("count", "--url", f"redis://{place}")
    assert done.exit_code == 2, done.stderr
    assert f"{place} is a Sentinel. Write redis+sentinel://{place}/NAME in the URL" in done.stderr


def test_a_sentinel_that_rejects_the_login_is_named(watched: Watched, jobs: Jobs) -> None:
    done = jobs("count", "--url", f"{watched.url}?sentinel_password=wrong")
    assert done.exit_code == 1
    assert (
        "rejected its user name or password: correct sentinel_username and sentinel_password" in done.stderr
    )
    assert "wrong" not in done.stderr
