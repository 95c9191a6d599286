"""The Python client: what it adds to the commands in Redis."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from jobs_core import (
    AsyncBoard,
    Board,
    ExistsError,
    JobsError,
    NotFoundError,
    OptionError,
    PayloadError,
    RunnerError,
    ServerError,
    UserError,
)
from jobs_core.plugins.manager import Plugins

T = 1_700_000_000


def many(count: int) -> list[dict[str, object]]:
    return [{"id": f"j{number}", "runner": "console", "payload": "x", "every": 60} for number in range(count)]


def test_options_may_be_timedeltas_and_datetimes(board: Board) -> None:
    start = datetime(2100, 1, 1, tzinfo=UTC)
    board.put("a", "console", "x", every=timedelta(minutes=90), start=start)
    assert list(board.next("a", count=2)) == [start, start + timedelta(minutes=90)]
    assert board.next(every=timedelta(hours=1), start=start, count=1) == [start]


def test_put_returns_the_next_run(board: Board) -> None:
    assert board.put("a", "console", "x", every=5, now=T) == datetime.fromtimestamp(T, UTC)
    assert board.put("b", "console", {"n": 1}) is None
    with pytest.raises(ExistsError):
        board.create("a", "console", "x")
    with pytest.raises(NotFoundError):
        board.show("c")


def test_a_misspelled_option_suggests_the_right_one(board: Board) -> None:
    with pytest.raises(OptionError, match=r"unknown option 'evry' \(did you mean 'every'\?\)"):
        board.put("a", "console", "x", evry=5)


def test_bulk_puts_return_errors_in_place(board: Board) -> None:
    jobs = many(1234)
    jobs[0] = {"id": "no runner"}
    jobs[77]["every"] = "5q"
    jobs[600]["evry"] = 5
    jobs[1233]["id"] = "with space"
    replies = list(board.put_many(jobs))
    assert len(replies) == 1234
    assert [place for place, reply in enumerate(replies) if isinstance(reply, JobsError)] == [
        0,
        77,
        600,
        1233,
    ]
    assert board.count()["jobs"] == 1230
    again = list(board.put_many(many(3), create=True))
    assert [type(reply) for reply in again] == [datetime, ExistsError, ExistsError]


def test_scripts_lost_during_bulk_work_are_reloaded(board: Board) -> None:
    replies = board.put_many(many(5000))
    seen = [next(replies)]
    board.client.script_flush()
    seen += replies
    assert not [reply for reply in seen if isinstance(reply, JobsError)]
    assert (len(seen), board.count()["jobs"]) == (5000, 5000)


def test_an_older_client_keeps_the_commands_of_a_newer_one(board: Board) -> None:
    board.client.hset(board.keys.commands, mapping={"JSET": "newer", "version": "999"})
    board.client.script_flush()
    board.put("a", "console", "x")
    assert board.client.hget(board.keys.commands, "JSET") == "newer"


def test_a_wrong_password_fails_with_one_sentence(url: str) -> None:
    board = Board(url=url.replace("unix://", "unix://nobody:sesame@"), validate=False)
    with pytest.raises(ServerError, match="rejected the user name or password") as caught:
        board.count()
    assert "sesame" not in str(caught.value)
    board.client.close()


def test_dump_and_load_copy_a_board(board: Board) -> None:
    board.put("often", "console", "x", every=60, repeat=5, now=T)
    board.tick(now=T)
    board.put("paused", "console", "x", every=60)
    board.pause("paused")
    other = Board(f"{board.name}-other", client=board.client, validate=False)
    assert not [reply for reply in other.load(board.dump()) if isinstance(reply, JobsError)]
    assert other.show("often") == board.show("often")
    assert other.show("paused")["state"] == "paused"
    assert other.resume("paused") is not None


def test_payloads_that_cannot_be_stored_are_rejected_in_place(board: Board) -> None:
    circle: dict[str, Any] = {}
    circle["again"] = circle
    payloads: list[Any] = ["x", {"a": {1, 2}}, circle, "\ud800", 5, "y"]
    jobs = [
        {"id": f"j{place}", "runner": "console", "payload": payload} for place, payload in enumerate(payloads)
    ]
    refused = [type(reply) for reply in board.put_many(jobs) if reply is not None]
    assert refused == [PayloadError] * 4
    assert board.count()["jobs"] == 2
    with pytest.raises(OptionError, match="neither text nor a number"):
        board.show(None)  # type: ignore[arg-type]


def test_a_client_that_does_not_decode_is_refused(url: str) -> None:
    with pytest.raises(OptionError, match="decode_responses=True"):
        Board(client=redis.Redis.from_url(url))


def test_a_url_beside_a_client_is_refused(board: Board, url: str) -> None:
    with pytest.raises(OptionError, match="url: pass either a URL or a client, not both"):
        Board(url=url, client=board.client)


def test_an_unknown_url_option_is_rejected(url: str) -> None:
    with pytest.raises(OptionError, match=r"The URL of Redis is invalid.*'dbb'"):
        Board(url=f"{url}?dbb=9")


def test_a_server_that_is_not_redis_fails_with_one_sentence() -> None:
    def answer(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=[server])
        thread.start()
        board = Board(url=f"redis://127.0.0.1:{server.getsockname()[1]}", validate=False)
        with pytest.raises(ServerError, match="did not answer like Redis"):
            board.count()
        thread.join()
        board.client.close()


def test_plugins_are_loaded_once_by_concurrent_threads(url: str, board: Board, capsys: Any) -> None:
    fresh = Board(board.name, url)
    with ThreadPoolExecutor(10) as threads:
        found = list(threads.map(lambda _: fresh.plugins, range(20)))
    print("still heard")
    assert {id(one) for one in found} == {id(fresh.plugins)}
    assert capsys.readouterr().out == "still heard\n"


def test_loading_plugins_on_many_threads_keeps_standard_output(capsys: Any) -> None:
    with ThreadPoolExecutor(10) as threads:
        list(threads.map(lambda _: Plugins.load(), range(20)))
    print("still heard")
    assert capsys.readouterr().out == "still heard\n"


def test_purging_all_dead_letters_must_be_explicit(board: Board) -> None:
    for _ in range(2):
        board.push("console", "x")
        board.ack(board.pop("console", lease=30)[0].token, "dead")
    for act in (board.dead_purge, board.dead_retry):
        with pytest.raises(OptionError, match="Pass all=True"):
            act(job=None)
    assert board.dead_purge(older_than="1h") == 0
    assert board.dead_purge(all=True) == 2


def test_a_runner_that_registers_later_is_known(board: Board, url: str) -> None:
    checking = Board(board.name, url)
    with pytest.raises(RunnerError, match="no worker on the board"):
        checking.push("latecomer", "x")
    board.register("w1", ["latecomer"])
    assert checking.push("latecomer", "x")
    checking.close()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"url": 5}, "url: expected text, got a number"),
        ({"name": 5}, "board: expected text, got a number"),
        ({"client": "redis://localhost"}, "client: expected a redis.Redis, got text"),
    ],
)
@pytest.mark.parametrize("kind", [Board, AsyncBoard])
def test_arguments_of_another_type_are_rejected(kind: Any, arguments: dict[str, Any], says: str) -> None:
    if kind is AsyncBoard and "client" in arguments:
        return
    with pytest.raises(OptionError, match=says):
        kind(**arguments)


def test_a_runner_or_an_id_that_is_no_text_is_rejected(board: Board) -> None:
    calls: list[Callable[[Any], Any]] = [
        lambda value: board.put("a", value, "x"),
        lambda value: board.create("a", value, "x"),
        lambda value: board.put(value, "console", "x"),
        lambda value: board.push(value, "x"),
        lambda value: board.push(value),
        lambda value: board.edit("there", runner=value),
    ]
    board.put("there", "console", "x")
    for call in calls:
        with pytest.raises(OptionError, match=r"^(runner|id): expected text, got a number$"):
            call(5)
    (first, second) = board.put_many([{"id": "a", "runner": 5, "payload": "x"}, {"id": "b", "runner": None}])
    assert "payload is missing" in str(second)
    assert str(first) == "runner: expected text, got a number"
    assert board.count()["jobs"] == 1


@pytest.mark.parametrize(
    ("task", "says"),
    [
        ({"runner": 5, "payload": "x"}, "runner: expected text, got a number"),
        ({"runner": "console", "payload": None}, "payload: the runner 'console' needs one"),
        ({"runner": "console"}, "payload: the runner 'console' needs one; to push a job, name it as id"),
        ({"runner": "console", "payload": 5}, "payload: expected a string or a JSON object, got a number"),
        ({"id": 5}, "id: expected text, got a number"),
        ({"id": "a", "payload": "x"}, "payload: a job has its own"),
        ({"id": "a", "runner": "console"}, "runner: a job has its own"),
        ({}, "A task needs a runner and a payload, or the id of a job."),
    ],
)
def test_what_push_many_cannot_push_says_why(board: Board, task: dict[str, Any], says: str) -> None:
    board.put("a", "console", "x")
    board.put("console", "console", "x")
    (error,) = board.push_many([task])
    assert isinstance(error, UserError)
    assert str(error).startswith(says)
    assert board.count()["queued"] == 0


def test_a_closed_board_says_that_it_was_closed(url: str, board: Board) -> None:
    board.put("a", "console", "x")
    calls: list[Callable[[Board], Any]] = [
        lambda closed: closed.count(),
        lambda closed: closed.put("b", "console", "x"),
        lambda closed: list(closed.list()),
        lambda closed: list(closed.put_many(many(1))),
        lambda closed: list(closed.limits()),
        lambda closed: closed.retention(),
        lambda closed: closed.wait("push:1@1"),
        lambda closed: list(closed.output("push:1@1")),
        lambda closed: closed.init(),
    ]
    with Board(board.name, url, validate=False) as owner:
        assert owner.count()["jobs"] == 1
    lent = Board(board.name, client=board.client, validate=False)
    assert lent.count()["jobs"] == 1
    lent.close()
    for closed in (owner, lent):
        closed.close()
        for call in calls:
            with pytest.raises(UserError, match=f"^The board '{board.name}' was closed. Open it again"):
                call(closed)
    assert board.count()["jobs"] == 1
