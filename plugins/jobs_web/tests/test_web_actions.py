"""Every action, form and route that changes something: what it does, and who may do it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import jobs_web
import pytest
from jobs_web.access.user import ROLES, Role
from jobs_web.actions import ACTIONS
from jobs_web.api.routes import ROUTES
from jobs_web.pages import FORMS, PAGES

from jobs_core import Board

from .conftest import run_all, serving, serving_api

READS_BY_POST = {("POST", "/lint"), ("POST", "/plan"), ("POST", "/schedules/preview")}
"""Routes that change nothing, whatever their method."""

CHANGING = [route for route in ROUTES if route.method != "GET" and route.role != "viewer"]


@contextmanager
def used_by(board: Board, role: Role) -> Iterator[httpx.Client]:
    """Serve the pages to somebody with a role."""
    with serving(jobs_web.app(board, access=jobs_web.Access(open_role=role))) as served:
        yield served.client


def _job(board: Board) -> None:
    board.put("report", "shell", "x", every="1h")


def _paused(board: Board) -> None:
    _job(board)
    board.pause("report")


def _queued(board: Board) -> None:
    _job(board)
    board.push("report")


def _dead(board: Board) -> None:
    _queued(board)
    run_all(board, "dead")


def _limited(board: Board) -> None:
    _job(board)
    board.limit("queue", "shell", concurrency=2)


def _alert(board: Board) -> None:
    board.alert_put("ops", "tell", "x", when="failed")


def _the_alert(board: Board) -> dict[str, str]:
    return {"alert": "ops"}


def _task(board: Board) -> str:
    return str(next(board.tasks())["id"])


def _ticket(board: Board) -> str:
    return str(next(board.dead())["ticket"])


Fields = Callable[[Board], dict[str, str]]
QUEUE = {"kind": "queue", "name": "shell"}


def _the_job(board: Board) -> dict[str, str]:
    return {"job": "report"}


CASES: dict[str, tuple[Callable[[Board], None], Fields, Callable[[Board], Any], Any]] = {
    "run": (_job, _the_job, lambda board: board.count()["queued"], 1),
    "pause": (_job, _the_job, lambda board: board.show("report")["state"], "paused"),
    "resume": (_paused, _the_job, lambda board: board.show("report")["state"], "scheduled"),
    "remove": (_job, _the_job, lambda board: board.count()["jobs"], 0),
    "push": (
        _job,
        lambda board: {"job": "report", "payload": "once"},
        lambda board: [task["payload"] for task in board.tasks(payload=True)],
        ["once"],
    ),
    "cancel-job": (_queued, _the_job, lambda board: board.count()["queued"], 0),
    "cancel": (_queued, lambda board: {"task": _task(board)}, lambda board: board.count()["queued"], 0),
    "retry": (_dead, lambda board: {"ticket": _ticket(board)}, lambda board: board.count()["queued"], 1),
    "purge": (_dead, lambda board: {"ticket": _ticket(board)}, lambda board: board.count()["dead"], 0),
    "limit": (
        _job,
        lambda board: QUEUE | {"concurrency": "3"},
        lambda board: [limit["concurrency"] for limit in board.limits()],
        [3],
    ),
    "unlimit": (_limited, lambda board: QUEUE, lambda board: list(board.limits()), []),
    "alert-test": (_alert, _the_alert, lambda board: board.count()["queued"], 1),
    "alert-remove": (_alert, _the_alert, lambda board: len(list(board.alert_list())), 0),
    "trim": (_queued, lambda board: {"queue": "shell"}, lambda board: board.count()["queued"], 0),
}
"""For each action: the board before it, the fields of its form, what it changes, and what that is then."""


def test_every_action_has_a_case() -> None:
    of_forecasts = {"forecast", "cancel-forecast"}  # test_web_week has them
    assert set(CASES) == set(ACTIONS) - of_forecasts, "add the action to CASES"


@pytest.mark.parametrize("name", CASES)
def test_an_action_does_what_it_says_for_its_role_and_no_less(board: Board, name: str) -> None:
    prepare, fields, found, expected = CASES[name]
    prepare(board)
    form = fields(board) | {"back": "/jobs", "confirmed": "1"}
    role = ACTIONS[name].role
    before = found(board)
    assert before != expected
    for less in ROLES[: ROLES.index(role)]:
        with used_by(board, less) as client:
            response = client.post(f"/actions/{name}", data=form)
            assert response.status_code == 403
            assert f"This needs the role {role}, and yours is {less}." in response.text
            assert found(board) == before
    with used_by(board, role) as client:
        response = client.post(f"/actions/{name}", data=form)
        assert response.status_code == 303
        assert found(board) == expected
        assert 'class="said"' in client.get("/jobs").text


@pytest.mark.parametrize("name", [name for name, action in ACTIONS.items() if action.question])
def test_an_action_with_a_question_does_nothing_before_the_answer(board: Board, name: str) -> None:
    prepare, fields, found, expected = CASES[name]
    prepare(board)
    before = found(board)
    everything = {} if name in ("remove", "purge", "trim") else {"scope": "all"}
    with used_by(board, "editor") as client:
        asked = client.post(f"/actions/{name}", data=fields(board) | everything)
        assert (asked.status_code, found(board)) == (200, before)
        again = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', asked.text))
        assert client.post(f"/actions/{name}", data=again | {"confirmed": "1"}).status_code == 303
    assert found(board) == expected


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("role", ["viewer", "operator"])
@pytest.mark.parametrize("step", ["form", "preview", "save", ""])
def test_only_editors_use_the_forms_of_jobs(board: Board, path: str, role: Role, step: str) -> None:
    _job(board)
    with used_by(board, role) as client:
        assert client.get(path, params={"id": "report"}).status_code == 403
        form = {"id": "report", "runner": "echo", "etag": board.show("report")["etag"], "go": step}
        assert client.post(path, data=form).status_code == 403
    assert board.show("report")["runner"] == "shell"
    assert len(list(board.find())) == 1


def test_routes_that_change_something_need_a_role() -> None:
    by_viewers = {(one.method, one.path) for one in ROUTES if one.method != "GET" and one.role == "viewer"}
    assert by_viewers <= READS_BY_POST


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_routes_that_change_something_are_refused_without_the_role(board: Board, role: Role) -> None:
    _dead(board)
    before = dict(board.count())
    with serving_api(board, role) as client:
        for route in CHANGING:
            if ROLES.index(role) < ROLES.index(route.role):
                path = re.sub("{.*?}", "report", route.path)
                response = client.request(route.method, path)
                assert response.status_code == 403, route
                assert response.json()["type"] == "urn:jobs:denied"
    assert dict(board.count()) == before


@pytest.mark.parametrize("path", PAGES)
def test_pages_offer_only_what_a_role_may_do(board: Board, path: str) -> None:
    _dead(board)
    board.push("report")
    task = _task(board)
    for role in ROLES:
        with used_by(board, role) as client:
            query = {"id": task if path == "/task" else "report", "kind": "queue", "name": "shell"}
            text = client.get(path, params=query).text
            offered = set(re.findall(r'action="/actions/([\w-]+)"', text))
            assert {ACTIONS[name].role for name in offered} <= set(ROLES[: ROLES.index(role) + 1]), path
            if role != "editor":
                assert "/job/edit" not in text
                assert "/job/new" not in text
            if role == "viewer":
                assert 'type="checkbox" name="job"' not in text
