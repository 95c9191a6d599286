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

from jobs_core import Board


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
        with pytest.raises(StopIteration):
            events.next()
    with following(api, f"/tasks/{task}/output?follow=1", **{"Last-Event-ID": first["id"]}) as events:
        assert [events.next()["data"].get("line") for _ in range(2)] == ["two", None]
    page = api.get(f"/tasks/{task}/output").json()
    assert [entry.get("line") for entry in page["items"]] == ["one", "two", None]
    assert api.get(f"/tasks/{task}/output", params={"cursor": page["next"]}).json()["items"] == []


@pytest.mark.parametrize("query", ["", "?follow=1"])
def test_output_that_is_not_kept_is_not_found(board: Board, api: httpx.Client, query: str) -> None:
    assert api.get(f"/tasks/nobody@1/output{query}").status_code == 404


def test_many_streams_share_few_threads(board: Board, api: httpx.Client) -> None:
    with ExitStack() as stack:
        client = stack.enter_context(httpx.Client(base_url=api.base_url, timeout=60, limits=httpx.Limits()))
        all_events = [stack.enter_context(following(client, "/events")) for _ in range(60)]
        task = end(board)
        assert {events.next()["data"]["task"] for events in all_events} == {task}
        names = [one.name for one in threading.enumerate() if one.name.startswith("jobs-web-streams")]
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
