"""Queries of pages and of the API: a value that a field cannot have is refused, never ignored."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from jobs_web.api.routes import ROUTES
from jobs_web.pages import PAGES
from jobs_web.queries import QUERIES

from jobs_core import Board

from .conftest import NEXT, Served
from .test_web_api import refused

NEEDED: dict[str, dict[str, str]] = {
    "/job": {"id": "j0"},
    "/job/edit": {"id": "j0"},
    "/limit": {"kind": "queue", "name": "a"},
}
"""What a page needs beside the field that is tried."""

CURSORS = ("zzz", "-1", "1.5", " ", "9" * 5000, "٣", "1-x", "\x00", "WyJhbGwgNSIsW11d")


def choices() -> list[tuple[str, str]]:
    """Return the fields of pages that have few values."""
    return [(path, one.name) for path, fields in QUERIES.items() for one in fields if "enum" in one.schema]


def test_only_pages_have_queries() -> None:
    assert QUERIES.keys() <= PAGES.keys()


@pytest.mark.parametrize(("path", "name"), choices())
def test_a_value_that_a_field_of_a_page_cannot_have_is_refused(
    board: Board, served: Served, path: str, name: str
) -> None:
    board.put("j0", "test", "x")
    for value in ("zzz", "0", "-1", " ", "\x00", "9" * 5000):
        response = served.client.get(path, params=NEEDED.get(path, {}) | {name: value})
        assert response.status_code == 400, value[:20]
        assert response.headers["content-type"].startswith("text/html")
        assert f"{name}: expected " in response.text and "Traceback" not in response.text
        assert len(response.text) < 5000
    twice = [*(NEEDED.get(path, {}) | {name: ""}).items(), (name, "1"), (name, "1")]
    response = served.client.get(path, params=twice)
    assert (response.status_code, f"{name}: expected one value, got 2" in response.text) == (400, True)


@pytest.mark.parametrize(("path", "name"), choices())
def test_a_field_may_be_empty_as_forms_have_it(board: Board, served: Served, path: str, name: str) -> None:
    board.put("j0", "test", "x")
    task = board.push("j0")
    query = NEEDED.get(path, {"id": task} if path == "/task" else {}) | {name: ""}
    assert served.client.get(path, params=query).status_code == 200


@pytest.mark.parametrize("field", ["label=zzz", "zone=Moon", "to=zzz", "span=2h"])
def test_the_timeline_refuses_what_it_does_not_know(served: Served, field: str) -> None:
    assert served.client.get(f"/timeline?{field}").status_code == 400


@pytest.mark.parametrize(
    ("path", "query"),
    [
        *(("/jobs", query) for query in ("", "sort=id", "sort=any", "text=j", "label=team%3Da")),
        *(("/dead", query) for query in ("", "job=j0", "code=1")),
        *(("/tasks", query) for query in ("", "state=queued", "state=dead", "queue=test")),
        *(("/changes", query) for query in ("", "job=j0", "from=-1d")),
    ],
)
def test_a_cursor_that_no_list_had_is_refused_on_a_page(
    board: Board, served: Served, path: str, query: str
) -> None:
    board.put("j0", "test", "x", label="team=a")
    for cursor in CURSORS:
        response = served.client.get(
            path, params=[*httpx.QueryParams(query).multi_items(), ("cursor", cursor)]
        )
        assert response.status_code == 400, cursor[:20]
        assert "This is no place in the list." in response.text


def fill(board: Board) -> None:
    """Put so much on a board that each list has more than a page."""
    replies = board.put_many({"id": f"j{n}", "runner": "test", "payload": "x"} for n in range(120))
    assert all(reply is None for reply in replies)
    for n in range(60):
        board.edit(f"j{n}", timeout=n + 1)
    list(board.push_many({"id": f"j{n}"} for n in range(120)))
    for task in board.pop("test", count=60, lease=60):
        board.ack(str(task.token), "dead", code="1")


def next_cursors(served: Served) -> dict[str, str]:
    found = {}
    for path in ("/jobs", "/jobs?sort=any", "/dead", "/tasks", "/changes"):
        link = NEXT.search(served.client.get(path).text)
        if link:
            found[path] = parse_qs(urlsplit(link[1].replace("&amp;", "&")).query)["cursor"][0]
    return found


def test_cursors_of_pages_lead_on_and_not_into_other_lists(board: Board, served: Served) -> None:
    fill(board)
    cursors = next_cursors(served)
    assert {"/jobs", "/jobs?sort=any", "/dead", "/tasks"} <= cursors.keys()
    for path, cursor in cursors.items():
        assert (
            served.client.get(
                path, params=dict(httpx.QueryParams(path.partition("?")[2])) | {"cursor": cursor}
            ).status_code
            == 200
        )
    assert served.client.get("/dead", params={"cursor": cursors["/jobs?sort=any"]}).status_code == 400
    assert served.client.get("/jobs", params={"cursor": cursors["/tasks"]}).status_code == 400
    assert served.client.get("/tasks", params={"cursor": cursors["/jobs"]}).status_code == 400


def test_the_cursor_of_another_order_leads_to_the_first_page(board: Board, served: Served) -> None:
    fill(board)
    cursor = next_cursors(served)["/jobs?sort=any"]
    first = served.client.get("/jobs?sort=id").text.count('name="job" value')
    assert (
        served.client.get("/jobs", params={"sort": "id", "cursor": cursor}).text.count('name="job" value')
        == first
        == 50
    )


def test_dead_letters_are_filtered_by_job_alone(board: Board, served: Served) -> None:
    """The form sends all fields, of which most are empty."""
    fill(board)
    text = served.client.get("/dead?job=j3&code=&runner=&queue=&label=&older_than=").text
    assert "j3@" in text and "j4@" not in text


def typed_fields() -> list[tuple[str, str]]:
    """Return the fields of the API whose values have a type."""
    return [
        (route.path, one.name)
        for route in ROUTES
        for one in route.parameters
        if route.method == "GET" and one.place == "query" and one.schema != {"type": "string"}
    ]


@pytest.mark.parametrize(("path", "name"), typed_fields())
def test_a_value_that_a_field_of_the_api_cannot_have_is_refused(
    board: Board, api: httpx.Client, path: str, name: str
) -> None:
    board.put("a", "test", "x", every=60)
    url = path.replace("{id}", "a")
    needed: dict[str, Any] = {}
    if "occurrences" in path:
        needed = {"from": "-1d", "to": "+1d"}
    if path == "/preview":
        needed = {"cron": "@daily"}
    if path == "/explain":
        needed = {"pattern": "@daily"}
    for value in ("zzz", "-5", "", "\x00", "9" * 5000, "1e400", "٣"):
        refused(api.get(url, params=needed | {name: value}), 400, f"{name}: ", name)


def test_a_cursor_of_one_list_is_refused_by_another(board: Board, api: httpx.Client) -> None:
    fill(board)
    lists = ("/jobs", "/dump", "/tasks", "/dead", "/changes", "/history")
    found = {path: api.get(path, params={"limit": 1}).json()["next"] for path in lists}
    kinds = {"/dump": "/jobs", "/dead": "/tasks"}
    for path in lists:
        for other, cursor in found.items():
            response = api.get(path, params={"limit": 1, "cursor": cursor})
            if kinds.get(path, path) == kinds.get(other, other):
                assert response.status_code == 200
                refused(
                    api.get(path, params={"cursor": cursor[:-2] + "AA"}), 400, "cursor: expected", "cursor"
                )
            else:
                refused(response, 400, "cursor: expected", "cursor")
