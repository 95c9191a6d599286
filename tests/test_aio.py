"""AsyncBoard: the methods of `Board` for asyncio."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from jobs_core import (
    AsyncBoard,
    Board,
    Context,
    ExistsError,
    NotFoundError,
    OptionError,
    Outcome,
    StaleError,
    Task,
)
from jobs_core.errors import ServerError, UserError
from tests.helpers import runner, working

Use = Callable[[AsyncBoard], Awaitable[None]]


@pytest.fixture
def use(board: Board, url: str) -> Callable[[Use], None]:
    """Run a coroutine function with an AsyncBoard of the same board."""

    def run(function: Use) -> None:
        async def body() -> None:
            async with AsyncBoard(board.name, url, validate=False) as found:
                await function(found)

        asyncio.run(body())

    return run


def test_async_board_has_every_method_with_the_same_parameters() -> None:
    ours = {"declares", "respond", "register", "refresh_zones", "dumped", "plugins"}
    for name, method in inspect.getmembers(Board):
        if name.startswith("_") or name in ours or not callable(method):
            continue
        twin = getattr(AsyncBoard, name)
        mine, its = (list(inspect.signature(one).parameters) for one in (method, twin))
        assert [word for word in mine if word != "progress"] == its, name


def test_jobs_are_put_shown_listed_and_removed(use: Callable[[Use], None], board: Board) -> None:
    async def body(found: AsyncBoard) -> None:
        first = await found.put("a", "echo", "x", every=60, start="+1h")
        assert first == board.next("a")[0]
        assert await found.next("a", count=2) == board.next("a", count=2)
        assert await found.next(cron="0 3 * * *", zone="Europe/Brussels", now=0) == board.next(
            cron="0 3 * * *", zone="Europe/Brussels", now=0
        )
        assert await found.create("b", "echo", "x", after="a") is None
        assert await found.when("b") == board.when("b")
        assert await found.show("a") == board.show("a")
        assert await found.pause("a")
        assert not await found.pause("a")
        assert await found.resume("a") == first
        listed = {job["id"]: job async for job in found.list()}
        assert listed == {job["id"]: job for job in board.list()}
        assert [job["id"] async for job in found.list("b*")] == ["b"]
        assert await found.count() == board.count()
        assert await found.remove("a", "b", "c") == 2

    use(body)


def test_errors_are_raised(use: Callable[[Use], None]) -> None:
    async def body(found: AsyncBoard) -> None:
        await found.create("a", "echo", "x")
        for kind, call in (
            (ExistsError, found.create("a", "echo", "x")),
            (NotFoundError, found.show("b")),
            (NotFoundError, found.when("b")),
            (NotFoundError, found.cancel("b@1")),
            (OptionError, found.put("c", "echo", "x", evry=5)),
            (OptionError, found.put("c", "echo", "x", every="soon")),
            (StaleError, found.ack("a@1#1")),
        ):
            with pytest.raises(kind):
                await call

    use(body)


def test_runners_and_payloads_are_checked(url: str, board: Board) -> None:
    async def body() -> None:
        async with AsyncBoard(board.name, url) as found:
            with pytest.raises(Exception, match="no runner 'consle'"):
                await found.put("a", "consle", "x")
            await found.put("a", "console", "x", zone="Europe/Brussels", cron="@daily")

    asyncio.run(body())


def test_tasks_are_pushed_taken_and_reported_on(use: Callable[[Use], None]) -> None:
    async def body(found: AsyncBoard) -> None:
        ids = [await found.push("echo", str(number)) for number in range(3)]
        later = await found.push("echo", "later", at="+1h")
        assert [task["id"] async for task in found.tasks("delayed")] == [later]
        tasks = await found.pop("echo", count=3, lease=30, worker="me")
        assert [task.id for task in tasks] == ids
        assert await found.beat(30, *(task.token for task in tasks)) == ["leased"] * 3
        await found.ack(tasks[0].token, note="fine", data={"a": 1})
        await found.ack(tasks[1].token, "dead", code="7")
        assert await found.cancel(ids[2]) == "cancelling"
        assert await found.cancel(later) == "cancelled"
        assert [task["id"] async for task in found.dead()] == [ids[1]]
        assert await found.dead_retry(all=True) == 1
        entries = [entry async for entry in found.history(task=ids[0])]
        assert (entries[0]["note"], entries[0]["data"]) == ("fine", {"a": 1})
        stats = await found.stats()
        assert (stats["done"], stats["cancelled"], stats["revived"]) == (1, 1, 1)
        assert await found.trim("echo", 0) == 1

    use(body)


def test_ticks_and_limits(use: Callable[[Use], None], board: Board) -> None:
    async def body(found: AsyncBoard) -> None:
        await found.put("a", "echo", "x", every=60)
        tick = await found.tick()
        assert tick.moved == 1
        assert tick.wait is not None
        await found.limit("runner", "echo", concurrency=2, rate="5/1m")
        assert [limit async for limit in found.limits()] == list(board.limits())
        assert (await found.stats("a"))["due"] == 1

    use(body)


def test_bulk_work_returns_in_order(use: Callable[[Use], None], board: Board) -> None:
    async def body(found: AsyncBoard) -> None:
        jobs = [{"id": f"j{number}", "runner": "echo", "payload": "x"} for number in range(120)]
        replies = await found.put_many([*jobs, {"id": "a b", "runner": "echo", "payload": "x"}])
        assert replies[:120] == [None] * 120
        assert isinstance(replies[120], OptionError)
        assert len(await found.push_many([{"runner": "echo", "payload": "x"}] * 5)) == 5
        dumped = [job async for job in found.dump()]
        await found.remove(*(job["id"] for job in jobs))
        assert len(await found.load(dumped)) == 120
        plan = await found.plan(jobs, "me", adopt=True)
        assert plan.count("adopt") == 120
        assert (await found.apply(jobs[:10], "me", adopt=True)).count("adopt") == 10
        assert board.count()["jobs"] == 120

    use(body)


def test_many_calls_at_once(use: Callable[[Use], None]) -> None:
    async def body(found: AsyncBoard) -> None:
        ids = await asyncio.gather(*(found.push("echo", str(number)) for number in range(200)))
        assert len(set(ids)) == 200

    use(body)


def test_lost_scripts_are_reloaded(use: Callable[[Use], None], board: Board) -> None:
    async def body(found: AsyncBoard) -> None:
        await found.count()
        board.client.script_flush()
        assert (await found.count())["jobs"] == 0

    use(body)


def test_a_committed_board_file_is_rolled_forward_first(use: Callable[[Use], None], board: Board) -> None:
    async def body(found: AsyncBoard) -> None:
        stage = board.commands.call("JAPPLY", "begin")
        words = [word for number in range(250) for word in (3, f"j{number}", "echo", "x")]
        board.commands.call("JSTAGE", stage, "board.yml", "put", *words)
        board.commands.call("JAPPLY", "commit", stage, "board.yml")
        assert len([job async for job in found.list()]) == 250

    use(body)


def test_functions_are_declared(use: Callable[[Use], None], board: Board) -> None:
    async def body(found: AsyncBoard) -> None:
        @found.job("tick", every=5)
        def tick() -> None: ...

        assert await found.put_declared() == {"tick": board.next("tick")[0]}

    use(body)


def test_the_first_client_publishes_the_commands(url: str, board: Board) -> None:
    async def body() -> None:
        async with AsyncBoard(f"{board.name}-virgin", url, validate=False) as found:
            await found.count()
            assert await found.client.hget(found.keys.commands, "JSET")

    board.count()
    asyncio.run(body())


def test_following_output_does_not_block_others(use: Callable[[Use], None]) -> None:
    async def follow(found: AsyncBoard, task: str) -> None:
        async for _ in found.output(task, follow=True):
            pass

    async def body(found: AsyncBoard) -> None:
        task = await found.push("nobody", "x", keep="1h")
        readers = [asyncio.create_task(follow(found, task)) for _ in range(60)]
        await asyncio.sleep(0)
        assert (await found.count())["queued"] == 1
        assert not any(reader.done() for reader in readers)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)

    use(body)


def test_output_is_followed(use: Callable[[Use], None], board: Board) -> None:
    def talk(task: Task, context: Context) -> Outcome:
        context.line("hello")
        return Outcome.done()

    async def body(found: AsyncBoard) -> None:
        task = await found.push("talk", "x", keep="1h")
        entries: list[dict[str, Any]] = [entry async for entry in found.output(task, follow=True)]
        assert [entry.get("line", entry.get("what")) for entry in entries] == ["hello", "done"]

    with working(board, runner(talk, "talk")):
        use(body)


def test_an_absent_server_fails_with_one_sentence() -> None:
    async def body() -> None:
        async with AsyncBoard("a", "unix:///nowhere.sock") as found:
            with pytest.raises(ServerError, match="cannot reach Redis"):
                await found.count()

    asyncio.run(body())


def test_a_wrong_password_fails_with_one_sentence(url: str) -> None:
    async def body() -> None:
        async with AsyncBoard("a", f"{url}?username=nobody&password=s3cret") as found:
            with pytest.raises(ServerError, match=r"jobs\.sock rejected the user name or password"):
                await found.count()

    asyncio.run(body())


def test_a_closed_board_says_that_it_was_closed(board: Board, url: str) -> None:
    async def body() -> None:
        async with AsyncBoard(board.name, url, validate=False) as closed:
            assert (await closed.count())["jobs"] == 0
        await closed.close()
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda: closed.count(),
            lambda: closed.put("b", "console", "x"),
            lambda: closed.put_many([{"id": "a", "runner": "console", "payload": "x"}]),
            lambda: anext(aiter(closed.list())),
            lambda: anext(aiter(closed.limits())),
            lambda: closed.wait("push:1@1"),
        ]
        for call in calls:
            with pytest.raises(UserError, match=f"^The board '{board.name}' was closed. Open it again"):
                await call()

    asyncio.run(body())


def test_values_of_another_type_are_rejected(use: Callable[[Use], None]) -> None:
    async def body(found: AsyncBoard) -> None:
        with pytest.raises(OptionError, match="runner: expected text, got a number"):
            await found.put("a", 5, "x")  # type: ignore[arg-type]
        with pytest.raises(OptionError, match="runner: expected text, got a number"):
            await found.push(5, "x")  # type: ignore[arg-type]
        (error,) = await found.push_many([{"runner": "console", "payload": None}])
        assert str(error).startswith("payload: the runner 'console' needs one")

    use(body)
