"""Server-sent events of the API: the history as it grows, and output as it is printed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
from jobs_web.api import streams

from jobs_core import Board, Context, Outcome, Task
from tests.helpers import runner, working


class Events:
    """The events of a stream, as they come."""

    def __init__(self, response: httpx.Response) -> None:
        assert response.headers["content-type"].startswith("text/event-stream"), response.read()
        self._lines = response.iter_lines()
        assert next(self._lines) == ": open"  # what happens from now on is part of it

    def next(self) -> dict[str, Any]:
        """Return the next event: its fields. Raises StopIteration at the end."""
        found: dict[str, Any] = {}
        for line in self._lines:
            if not line and found:
                return found | {"data": json.loads(found["data"])}
            name, _, value = line.partition(": ")
            if name:
                found[name] = value
        raise StopIteration


@contextmanager
def following(api: httpx.Client, path: str, **headers: str) -> Iterator[Events]:
    with api.stream("GET", path, headers=headers) as response:
        yield Events(response)


def end(board: Board, verb: Any = "done") -> str:
    """Push and end a task. Returns its id."""
    task = board.push("console", "secret")
    (held,) = board.pop("console", lease=60)
    board.ack(str(held.token), verb)
    return task


def test_the_history_is_followed_and_resumed(board: Board, api: httpx.Client) -> None:
    end(board)
    with following(api, "/events") as events:
        tasks = [end(board), end(board)]
        found = [events.next() for _ in tasks]
    assert [event["data"]["task"] for event in found] == tasks
    assert [event["event"] for event in found] == ["done", "done"]
    with following(api, "/events", **{"Last-Event-ID": found[0]["id"]}) as events:
        assert events.next()["data"]["task"] == tasks[1]
    assert api.get("/events", headers={"Last-Event-ID": "x"}).status_code == 400


def test_no_event_is_lost_or_doubled_by_readers_who_come_back(board: Board, api: httpx.Client) -> None:
    tasks = [end(board) for _ in range(3)]
    first = next(iter(board.history_page(limit=3).items[::-1]))
    assert first["task"] == tasks[0]
    after, found = f"{round(first['time'] * 1000) - 1}-0", []
    for _ in range(6):
        tasks += [end(board) for _ in range(4)]
        with following(api, "/events", **{"Last-Event-ID": after}) as events:
            for _ in range(3):  # then the connection breaks
                event = events.next()
                found.append(event["data"]["task"])
                after = event["id"]
    assert found == tasks[: len(found)] and len(found) == 18


@pytest.mark.parametrize("path", ["/events", "/tasks/{task}/output?follow=1"])
def test_the_head_of_a_stream_is_no_stream(board: Board, api: httpx.Client, path: str) -> None:
    task = board.push("console", "x", keep="1h")
    response = api.head(path.replace("{task}", task))  # returns
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")


def test_output_is_followed_until_the_task_ends(board: Board, api: httpx.Client) -> None:
    task = board.push("console", "x", keep="1h")
    with following(api, f"/tasks/{task}/output?follow=1") as events:
        (held,) = board.pop("console", lease=60)
        board.commands.call("JOUTPUT", held.token, "out", "one")
        first = events.next()
        assert first["data"] == {"stream": "out", "line": "one"}
        board.commands.call("JOUTPUT", held.token, "err", "two")
        assert events.next()["data"]["line"] == "two"
        board.ack(str(held.token))
        assert events.next()["data"]["what"] == "done"
        ends(events, task)
    with following(api, f"/tasks/{task}/output?follow=1", **{"Last-Event-ID": first["id"]}) as events:
        assert [events.next()["data"].get("line") for _ in range(2)] == ["two", None]
    page = api.get(f"/tasks/{task}/output").json()
    assert [entry.get("line") for entry in page["items"]] == ["one", "two", None]
    assert api.get(f"/tasks/{task}/output", params={"cursor": page["next"]}).json()["items"] == []


def ends(events: Events, task: str) -> None:
    """Check that a stream says that the task has ended, and ends."""
    assert events.next() == {"event": "end", "data": {"task": task}}
    with pytest.raises(StopIteration):
        events.next()


@pytest.mark.parametrize("query", ["", "?follow=1"])
def test_output_of_an_unknown_task_is_not_found(board: Board, api: httpx.Client, query: str) -> None:
    answer = api.get(f"/tasks/nobody@1/output{query}")
    assert answer.status_code == 404
    assert answer.json()["detail"] == f"There is no task 'nobody@1' on the board {board.name!r}."


def printing(task: Task, context: Context) -> Outcome:
    """Print a line, and fail at the first attempt."""
    context.line(f"attempt {task.attempt}", "stdout")
    return Outcome.failed("no luck") if task.attempt == 1 else Outcome.done()


def test_without_keep_the_end_of_each_attempt_is_sent_once_it_has_ended(
    board: Board, api: httpx.Client
) -> None:
    task = board.push("test", "x", attempts=2, backoff="10ms")
    expected = [{"attempt": number, "stream": "stdout", "line": f"attempt {number}"} for number in (1, 2)]
    with following(api, f"/tasks/{task}/output?follow=1") as events, working(board, runner(printing)):
        assert [events.next()["data"] for _ in expected] == expected
        ends(events, task)
    with following(api, f"/tasks/{task}/output?follow=1") as events:  # it has ended
        assert [events.next()["data"] for _ in expected] == expected
        ends(events, task)
    page = api.get(f"/tasks/{task}/output")
    assert page.status_code == 404 and "--" not in page.json()["detail"]


@pytest.mark.parametrize("verb", ["done", "dead"])
def test_a_task_that_printed_nothing_is_followed_to_its_end(
    board: Board, api: httpx.Client, verb: Any
) -> None:
    task = board.push("console", "x")
    with following(api, f"/tasks/{task}/output?follow=1") as events:
        (held,) = board.pop("console", lease=60)
        board.ack(str(held.token), verb)
        ends(events, task)
    with following(api, f"/tasks/{task}/output?follow=1") as events:
        ends(events, task)


def test_many_streams_share_few_threads(board: Board, api: httpx.Client) -> None:
    before = set(threading.enumerate())  # those of other boards
    with ExitStack() as stack:
        client = stack.enter_context(httpx.Client(base_url=api.base_url, timeout=60, limits=httpx.Limits()))
        all_events = [stack.enter_context(following(client, "/events")) for _ in range(60)]
        task = end(board)
        assert {events.next()["data"]["task"] for events in all_events} == {task}
        names = [
            one.name for one in set(threading.enumerate()) - before if one.name.startswith("jobs-web-streams")
        ]
        assert 1 <= len(names) <= streams.THREADS
        assert api.get("/count").status_code == 200


def test_too_many_streams_are_refused(
    board: Board, api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MOST", 1)
    with following(api, "/events") as events:
        response = api.get("/events")
        assert (response.status_code, response.json()["title"]) == (503, "Service Unavailable")
        task = end(board)
        assert events.next()["data"]["task"] == task
