"""Board objects: closing, repr, waiting for tasks, and responding on any thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from jobs_core import AsyncBoard, Board, NotFoundError
from tests.helpers import PATIENCE, Jobs, wait_until


@pytest.fixture
def respond(board: Board, url: str) -> Callable[..., Board]:
    """Respond on a thread, like a web server or a notebook. The test closes the board."""

    def begin(function: Callable[..., object], queue: str = "work") -> Board:
        own = Board(board.name, url, validate=False)
        threading.Thread(target=own.respond, args=(queue, function), daemon=True).start()
        return own

    return begin


def fail() -> None:
    raise ZeroDivisionError("division by zero")


def test_a_board_closes_its_connections(url: str) -> None:
    with Board("lifecycle", url) as board:
        board.count()
        assert board.client.connection_pool._in_use_connections == set()
        connection = board.client.connection_pool.get_connection()
        board.client.connection_pool.release(connection)
        assert connection._sock is not None
    assert connection._sock is None


def test_a_client_that_was_passed_in_stays_open(url: str, board: Board) -> None:
    with Board("lifecycle", client=board.client) as other:
        other.count()
        connection = board.client.connection_pool.get_connection()
        board.client.connection_pool.release(connection)
    assert connection._sock is not None


def test_repr_names_the_board_and_the_server(board: Board) -> None:
    assert repr(board) == f"<Board {board.name!r} on {board.commands.server}>"
    secret = Board("a", "redis://:s3cret@localhost:1234/0")
    assert repr(secret) == "<Board 'a' on localhost:1234>"


def test_respond_works_on_a_thread_until_the_board_closes(
    board: Board, respond: Callable[..., Board]
) -> None:
    own = respond(lambda payload: f"got {payload}")
    ended = board.wait(board.push("work", "x"), timeout=PATIENCE)
    assert (ended["what"], ended["note"]) == ("done", "got x")
    own.close()
    board.push("work", "y")
    assert (board.count()["queued"], board.count()["leased"]) == (1, 0)


def test_closing_waits_for_running_tasks(board: Board, respond: Callable[..., Board]) -> None:
    began, may_end = threading.Event(), threading.Event()

    def work() -> str:
        began.set()
        may_end.wait(PATIENCE)
        return "whole"

    own = respond(work)
    board.push("work", "")
    assert began.wait(PATIENCE)
    closing = threading.Thread(target=own.close)
    closing.start()
    may_end.set()
    closing.join(PATIENCE)
    assert [entry["note"] for entry in board.history() if entry["what"] == "done"] == ["whole"]


@pytest.mark.parametrize("verb", ["done", "dead", "cancelled"])
def test_wait_returns_how_a_task_ended(board: Board, verb: str) -> None:
    id = board.push("work", "x")
    (task,) = board.pop("work", lease=30)
    found: list[dict[str, object]] = []
    waiter = threading.Thread(target=lambda: found.append(board.wait(id, PATIENCE)))
    waiter.start()
    wait_until(lambda: int(board.client.info("clients")["blocked_clients"]) > 0)
    board.ack(task.token, verb, note="so", code="7")  # type: ignore[arg-type]
    waiter.join(PATIENCE)
    assert [(entry["what"], entry["note"], entry["code"]) for entry in found] == [(verb, "so", "7")]
    assert board.wait(id) == found[0]


def test_wait_times_out(board: Board) -> None:
    id = board.push("work", "x")
    with pytest.raises(TimeoutError, match="did not end within"):
        board.wait(id, timeout=0.01)


def test_wait_for_an_unknown_task_fails(board: Board) -> None:
    with pytest.raises(NotFoundError, match="there is no task 'nobody@1'"):
        board.wait("nobody@1")


def test_wait_continues_after_a_retry(board: Board) -> None:
    id = board.push("work", "x")
    (task,) = board.pop("work", lease=30)
    board.ack(task.token, "dead")
    board.dead_retry(task=id)
    with pytest.raises(TimeoutError):
        board.wait(id, timeout=0.01)


def test_wait_works_with_asyncio(board: Board, url: str) -> None:
    async def scenario() -> None:
        async with AsyncBoard(board.name, url, validate=False) as found:
            id = await found.push("work", "x")
            with pytest.raises(TimeoutError):
                await found.wait(id, timeout=0.01)
            (task,) = await found.pop("work", lease=30)
            waiting = asyncio.create_task(found.wait(id, PATIENCE))
            await asyncio.sleep(0)
            await found.ack(task.token, note="so")
            assert (await waiting)["note"] == "so"
            assert (await found.wait(id))["what"] == "done"
            with pytest.raises(NotFoundError):
                await found.wait("nobody@1")
            assert repr(found).startswith(f"<AsyncBoard {board.name!r} on ")

    asyncio.run(scenario())


def test_a_traceback_is_in_the_log_and_the_dead_letter(
    board: Board, respond: Callable[..., Board], jobs: Jobs
) -> None:
    own = respond(fail)
    id = board.push("work", "", keep="1h", policy="ack")
    ended = board.wait(id, timeout=PATIENCE)
    own.close()
    assert (ended["what"], ended["code"]) == ("dead", "ZeroDivisionError")
    printed = [entry["line"] for entry in board.output(id) if "line" in entry]
    assert printed[0] == "Traceback (most recent call last):"
    assert printed[-1] == "ZeroDivisionError: division by zero"
    shown = jobs("dead", "show", id).stdout
    assert "division by zero" in shown
    assert "in fail" in shown


def test_a_traceback_never_shows_the_payload(board: Board, respond: Callable[..., Board]) -> None:
    def leak(payload: str) -> None:
        raise ValueError(f"no room for {payload}")

    own = respond(leak)
    id = board.push("work", "s3cret-token", policy="ack", keep="1h")
    ended = board.wait(id, timeout=PATIENCE)
    own.close()
    assert "s3cret-token" not in str(ended) + str(list(board.output(id)))


def test_waiting_on_a_busy_board_does_not_scan_tasks_on_each_event(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[object] = []
    look = board.tasks
    monkeypatch.setattr(board, "tasks", lambda *a, **o: looks.append(o) or look(*a, **o))
    id = board.push("work", "x")
    (task,) = board.pop("work", lease=30)
    waiter = threading.Thread(target=lambda: board.wait(id, PATIENCE))
    waiter.start()
    wait_until(lambda: int(board.client.info("clients")["blocked_clients"]) > 0)
    for _ in range(20):
        other = board.push("other", "x")
        board.ack(board.pop("other", lease=30)[0].token)
        board.wait(other)
    board.ack(task.token)
    waiter.join(PATIENCE)
    assert looks.count({"task": id}) == 1
