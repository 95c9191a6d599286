"""Payloads on the page and in the API: secrets are for editors, and large ones are not repeated in pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx
import jobs_web
import pytest
from jobs_web.access.user import Role, User
from jobs_web.payloads import EDITED, SHOWN, payload_for

from jobs_core import Board, Context, Outcome, Runner, Task
from tests.helpers import wait_until, working

from .conftest import Served, serving

SECRET = "marker-4711"
PAYLOAD = {
    "url": "https://example.org/",
    "headers": {"Authorization": f"Bearer {SECRET}", "X-Api-Key": SECRET, "Set-Cookie": [SECRET]},
    "command": f"curl -H 'Authorization: Bearer {SECRET}' example.org",
    "password": SECRET,
    "retries": 3,
}


@contextmanager
def used_by(board: Board, role: Role) -> Iterator[httpx.Client]:
    with serving(jobs_web.app(board, access=jobs_web.Access(open_role=role))) as served:
        yield served.client


@pytest.fixture
def secrets(board: Board) -> Board:
    """A board with secrets in a job, a task that waits, a dead letter and changes."""
    board.put("report", "shell", json.dumps(PAYLOAD), every="1h", policy="ack")
    board.edit("report", payload=json.dumps({**PAYLOAD, "retries": 4}))
    board.edit("report", on_failure=f"http {json.dumps(PAYLOAD)}")
    board.push("report")
    (task,) = board.pop("shell", lease=60, worker="w")
    board.ack(task.token, "dead", code="3")
    board.push("report")
    board.alert_put("broken", "http", json.dumps(PAYLOAD), when="dead")
    return board


def looks(board: Board) -> list[str]:
    """Return where payloads are shown."""
    waiting, dead = next(board.tasks())["id"], next(board.dead())["id"]
    api = ("jobs?payload=1", "jobs/report", "tasks?payload=1", "dead?payload=1", "changes?payload=1", "dump")
    tasks = [
        f"/{path}{id}{more}"
        for id in (waiting, dead)
        for path, more in (("task?id=", ""), ("task/payload?id=", ""), ("api/v1/tasks/", "?payload=1"))
    ]
    return [
        "/changes",
        "/job?id=report",
        "/job/payload?id=report",
        *(f"/api/v1/{path}" for path in api),
        *tasks,
    ]


@pytest.mark.parametrize("role", ["viewer", "operator", "editor"])
def test_secrets_are_for_editors(secrets: Board, role: Role) -> None:
    with used_by(secrets, role) as client:
        for path in looks(secrets):
            answer = client.get(path)
            assert answer.status_code == 200, path
            assert "example.org" in answer.text, path
            assert (SECRET in answer.text) == (role == "editor"), path
        assert ("Only editors see" in client.get("/job?id=report").text) == (role != "editor")


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        ("plain text", "plain text"),
        ('{ "to":"ann" }', '{ "to":"ann" }'),
        ('{"token": "x", "n": 1.0}', '{"token": "***", "n": 1.0}'),
        ('{"a": [{"db_password": 1}]}', '{"a": [{"db_password": "***"}]}'),
        ('{"secret": null, "token": ""}', '{"secret": null, "token": ""}'),
        ({"cookie": ["a", "b"]}, {"cookie": ["***", "***"]}),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_what_names_a_secret_is_masked(payload: Any, shown: Any) -> None:
    assert payload_for(payload, User(None, "viewer")) == shown
    assert payload_for(payload, User(None, "editor")) == payload


def test_a_large_payload_is_cut_and_its_whole_is_a_link_away(board: Board, served: Served) -> None:
    payload = "x" * 900_000
    board.put("report", "shell", payload, every="1h")
    task = board.push("report")
    for path, whole in (
        ("/job?id=report", "/job/payload?id=report"),
        (f"/task?id={task}", f"/task/payload?id={task}"),
    ):
        page = served.client.get(path).text
        assert SHOWN <= page.count("x") < len(page) < 100_000
        assert "The whole payload" in page
        assert served.client.get(whole).text == payload
        assert served.client.get(whole).headers["content-type"] == "text/plain; charset=utf-8"


def test_a_form_keeps_a_payload_that_is_too_large_for_it(board: Board, served: Served) -> None:
    payload = "x" * (EDITED + 1)
    board.put("report", "shell", payload, every="1h")
    form = served.client.get("/job/edit?id=report").text
    assert len(form) < EDITED
    assert "It stays as it is" in form
    for changes in ({"every": "2h"}, {"next": "2030-01-01T00:00Z"}):
        etag = board.show("report")["etag"]
        fields = {"id": "report", "runner": "shell", "every": "1h", "etag": etag, "keeps_payload": "1"}
        opened = {"was.runner": "shell", "was.every": "1h"}
        preview = served.client.post("/job/edit", data={**fields, **opened, **changes, "go": "preview"})
        assert "What changes" in preview.text
        assert "<td>payload</td>" not in preview.text
        saved = served.client.post("/job/edit", data={**fields, **opened, **changes, "go": "save"})
        assert saved.status_code == 303
        assert board.show("report")["payload"] == payload
    refused = served.client.get("/job/new?like=report")
    assert refused.status_code == 400
    assert "too large for a form" in refused.text


@pytest.mark.parametrize("keep", [{"keep": "1h"}, {}])
def test_all_that_is_kept_of_an_output_is_a_link_away(
    board: Board, served: Served, keep: dict[str, Any]
) -> None:
    def run(task: Task, context: Context) -> Outcome:
        for number in range(300):
            context.line(f"line-{number}-")
        return Outcome.done()

    board.put("report", "test", "x", **keep)
    with working(board, Runner("test", run)):
        id = board.push("report")
        wait_until(lambda: not list(board.tasks()))
    page = served.client.get("/task", params={"id": id}).text
    assert "line-299-" in page
    assert "line-99-" not in page
    assert f'The last 200 lines. <a href="/task/output?id={quote(id)}">All that is kept</a>' in page
    whole = served.client.get("/task/output", params={"id": id}).text.splitlines()
    assert [f"line-{number}-" for number in range(300)] == [one for one in whole if "line-" in one]
    assert served.client.get("/task/output?id=none@1").status_code == 404
