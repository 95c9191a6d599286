"""Making a board of several partitions, and what rejects a board that is another one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import redis

from jobs_core import AsyncBoard, Board, LayoutError, OptionError
from jobs_core.engine.partitions.places import place_of
from tests.conftest import REMOVE
from tests.helpers import Jobs, refused


@pytest.fixture
def new(board: Board) -> Iterator[Board]:
    """A board that does not exist yet. What it becomes is removed at the end."""
    yield board
    board.client.eval(REMOVE, 0, f"{{{board.name}.*}}:*")


def layouts(board: Board) -> dict[str, str]:
    keys = board.client.keys(f"{{{board.name}*:layout")
    return {
        key.removeprefix(f"{{{board.name}").removesuffix(":layout"): board.client.get(key) for key in keys
    }


def test_each_partition_has_a_layout_that_names_it(new: Board) -> None:
    new.init(partitions=3)
    assert layouts(new) == {"}": "5 of 3", ".0}": "5 0/3", ".1}": "5 1/3", ".2}": "5 2/3"}
    assert [part.keys.board for part in new.partitions] == [f"{new.name}.{n}" for n in range(3)]


def test_the_same_number_again_changes_nothing(new: Board) -> None:
    new.init(partitions=3)
    new.put("a", "echo", "x")
    new.init(partitions=3)
    new.init()
    assert new.count()["jobs"] == 1


def test_the_number_never_changes(new: Board) -> None:
    new.init(partitions=3)
    with pytest.raises(
        OptionError, match=rf"^partitions: the board '{new.name}' has 3, and their number never"
    ):
        new.init(partitions=4)


def test_an_ordinary_board_gets_no_partitions(new: Board) -> None:
    new.put("a", "echo", "x")
    with pytest.raises(OptionError, match="exists, and has none: dump it, and load it into another"):
        new.init(partitions=3)
    assert new.show("a")["runner"] == "echo"


def test_another_board_may_be_in_the_way(new: Board, url: str) -> None:
    with Board(f"{new.name}.1", url, validate=False) as other:
        other.put("a", "echo", "x")
        with pytest.raises(OptionError, match=rf"another board '{new.name}.1' in the way"):
            new.init(partitions=3)
        assert other.show("a")["runner"] == "echo"


def test_an_init_that_was_interrupted_is_completed(new: Board) -> None:
    new.client.set(f"{{{new.name}.0}}:layout", "5 0/3")
    new.init(partitions=3)
    assert len(layouts(new)) == 4


def test_a_client_notices_partitions_that_are_made_later(new: Board, url: str) -> None:
    with Board(new.name, url, validate=False) as early:
        assert early.commands.call("JGET", "a") == [None]
        new.init(partitions=3)
        with pytest.raises(LayoutError, match="has 3 partitions"):
            early.put("a", "echo", "x")
        early.put("a", "echo", "x")
        assert new.show("a")["runner"] == "echo"


@pytest.mark.parametrize("count", ["0", "257"])
def test_the_number_has_bounds(jobs: Jobs, count: str) -> None:
    refused(
        jobs("init", "--partitions", count), f"partitions: expected a whole number from 1 to 256, got {count}"
    )


def test_the_command_line_makes_and_uses_one(jobs: Jobs, new: Board) -> None:
    made = jobs("init", "--partitions", "4")
    assert made.exit_code == 0
    assert f"The board {new.name!r} has 4 partitions." in made.stdout
    for number in range(8):
        assert jobs("put", f"job-{number}", "console", "x").exit_code == 0
    assert jobs("remove", "job-1", "job-2").exit_code == 0
    assert new.count()["jobs"] == 6
    assert len(new.partitions) == 4


def test_redis_says_which_partitions_there_are(spread_board: Board) -> None:
    name = spread_board.name
    with pytest.raises(
        redis.ResponseError, match=rf"LAYOUT the board {{{name}}} has 4 partitions, {{{name}.0}} to"
    ):
        spread_board.client.execute_command("FCALL", "JPUSH", 1, f"{{{name}}}", "echo", "x")


def test_a_partition_rejects_a_job_of_another(spread_board: Board) -> None:
    mine, other = (
        f"{{{spread_board.name}.{place_of('a', 4)}}}",
        f"{{{spread_board.name}.{(place_of('a', 4) + 1) % 4}}}",
    )
    with pytest.raises(redis.ResponseError, match=f"OPTION id: the job 'a' belongs to the partition {mine}"):
        spread_board.client.execute_command("FCALL", "JSET", 1, other, "a", "echo", "x")
    assert spread_board.client.execute_command("FCALL", "JSET", 1, mine, "a", "echo", "x") == 0


def test_jobs_are_spread_and_found(spread_board: Board) -> None:
    for number in range(40):
        spread_board.put(f"job-{number}", "echo", str(number))
    assert all(part.count()["jobs"] for part in spread_board.partitions)
    assert [job["payload"] for job in spread_board.show_many("job-7", "none", "job-39")] == ["7", "39"]


def test_pushes_lead_back_to_their_partition(spread_board: Board) -> None:
    tasks = [spread_board.push("echo", "x") for _ in range(8)]
    assert len(set(tasks)) == 8
    assert all(part.count()["queued"] == 2 for part in spread_board.partitions)
    assert [spread_board.cancel(task) for task in tasks] == ["cancelled"] * 8


def test_pushes_with_the_same_key_are_one(spread_board: Board) -> None:
    tasks = {spread_board.push("echo", str(n), unique_for="1h") for n in (1, 2, 1, 2, 1)}
    assert len(tasks) == 2
    assert len({spread_board.push("echo", "x", idempotency_key="k") for _ in range(5)}) == 1
    assert spread_board.count()["queued"] == 3


def test_taken_tasks_are_reported_wherever_they_are(spread_board: Board) -> None:
    for _ in range(10):
        spread_board.push("echo", "x")
    taken = spread_board.pop("echo", count=7, lease=60)
    assert len(taken) == 7
    assert spread_board.beat(60, *(task.token for task in taken)) == ["leased"] * 7
    for task in taken:
        spread_board.ack(task.token)
    stats = spread_board.stats()
    assert (stats["done"], stats["in_flight"], stats["queued"]) == (7, 3, 10)


def test_trim_keeps_a_share_of_each(spread_board: Board) -> None:
    for _ in range(20):
        spread_board.push("echo", "x")
    assert spread_board.trim("echo", 6) == 14
    assert spread_board.count()["queued"] == 6


def test_an_async_board_follows_the_same_routes(spread_board: Board, url: str) -> None:
    async def body() -> None:
        async with AsyncBoard(spread_board.name, url, validate=False) as board:
            for number in range(20):
                await board.put(f"job-{number}", "echo", str(number), every=60, now=1_700_000_000)
            assert (await board.tick(now=1_700_000_000)).moved == 20
            taken = await board.pop("echo", count=20, lease=60)
            assert {task.job for task in taken} == {f"job-{number}" for number in range(20)}
            for task in taken:
                await board.ack(task.token)
            assert (await board.stats())["done"] == 20

    asyncio.run(body())


def test_roles_permit_the_keys_of_partitions(jobs: Jobs, new: Board) -> None:
    new.init(partitions=3)
    result = jobs("acl", "viewer")
    assert (
        f" %R~{{{new.name}}} %R~{{{new.name}}}:* %R~{{{new.name}.*}} %R~{{{new.name}.*}}:* " in result.stdout
    )
    shown = jobs("acl", "viewer", "--server-version", "7.2", "--partitions", "3").stdout
    assert f" %R~{{{new.name}.*}}:* " in shown
    assert ".*" not in jobs("acl", "viewer", "--server-version", "7.2").stdout
