"""The REST API: requests, ids in paths, errors, roles, ETags and pages."""

from __future__ import annotations

import gzip
import json
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from jobs_web.access.user import ROLES, Role
from jobs_web.api.model import SINGLE
from jobs_web.api.routes import ROUTES

from jobs_core import Board, trace_of

from .conftest import serving_api

SECRET = "top secret"
JOB = {"runner": "console", "payload": SECRET}


def path_of(id: str) -> str:
    return f"/jobs/{quote(id, safe='')}"


def refused(response: httpx.Response, status: int, detail: str, option: str | None = None) -> None:
    """Check that a response is a problem: one sentence, without payloads."""
    found = response.json()
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    assert found["status"] == status
    assert detail in found["detail"]
    assert found.get("option") == option
    assert SECRET not in response.text and "Traceback" not in response.text


def test_a_job_is_put_shown_edited_and_removed(board: Board, api: httpx.Client) -> None:
    put = api.put("/jobs/report", json=JOB | {"every": "1h", "retry-on": ["503", "5*"], "label": "a=b"})
    assert put.status_code == 201
    assert SECRET not in put.text
    again = JOB | {"every": "1h", "retry-on": ["503", "5*"], "label": "a=b"}
    assert api.put("/jobs/report", json=again).status_code == 200
    found = api.get("/jobs/report").json()
    assert found == board.show("report")
    assert (found["every"], found["payload"], found["label"]) == (3600, SECRET, ["a=b"])

    edited = api.patch("/jobs/report", json={"retry-on": None, "every": 60}, params={"because": "faster"})
    assert (edited.json()["every"], edited.json().get("retry-on")) == (60, None)
    change = next(board.changes("report"))
    assert (change.what, change.by, change.because) == ("edit", "ann", "faster")

    assert api.delete("/jobs/report").status_code == 204
    refused(api.get("/jobs/report"), 404, "report")
    refused(api.delete("/jobs/report"), 404, "report")


@pytest.mark.parametrize(
    "id", ["a/b", "/", "100%", "%2F", "ü", "a?b", "a+b&c=d", "a/../b", ";", "'\"<b>", "é" * 128]
)
def test_an_id_is_one_percent_encoded_segment(board: Board, api: httpx.Client, id: str) -> None:
    assert api.put(path_of(id), json=JOB).json()["id"] == id
    assert board.show(id)["id"] == id
    assert api.get(f"{path_of(id)}/next").json() == {"items": [], "next": None}
    task = api.post(f"{path_of(id)}/push").json()["task"]
    assert api.get(f"/tasks/{quote(task, safe='')}").json()["job"] == id
    assert api.delete(path_of(id)).status_code == 204


@pytest.mark.parametrize("segment", ["%20", "a%2Cb", "%00", "a%23b", "%FF", "x" * 257])
def test_an_id_that_no_job_can_have_is_rejected(api: httpx.Client, segment: str) -> None:
    response = api.put(f"/jobs/{segment}", json=JOB)
    assert response.status_code == 400
    refused(response, 400, "", response.json().get("option"))


def test_jobs_are_listed_page_by_page_without_payloads(board: Board, api: httpx.Client) -> None:
    for number in range(5):
        board.put(f"j{number}", "console", SECRET, label={"team": "a" if number else "b", "tier": 1})
    found, cursor = [], ""
    while cursor is not None:
        response = api.get("/jobs", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        assert SECRET not in response.text
        found += response.json()["items"]
        cursor = response.json()["next"]
    assert sorted(job["id"] for job in found) == [f"j{number}" for number in range(5)]
    labeled = api.get("/jobs?label=team%3Db&label=tier%3D1&payload=1&summary=true").json()["items"]
    assert [(job["id"], job["payload"], job["failures"]) for job in labeled] == [("j0", SECRET, 0)]
    refused(api.get("/jobs?cursor=nonsense"), 400, "cursor: expected", "cursor")


@pytest.mark.parametrize(
    ("content", "status", "detail", "option"),
    [
        (b"{", 400, "the JSON is invalid at character", None),
        (b"[]", 400, "expected a JSON object", None),
        (b'{"runner": "console", "runner": "x"}', 400, "expected each key once", None),
        (b'{"runner": "\xff"}', 400, "expected UTF-8", None),
        (b'{"runner": "console", "payload": NaN}', 400, "NaN is no number", None),
        (b'{"a":' * 200 + b"1" + b"}" * 200, 400, "nested too deep", None),
        (b"[" * 100_000, 400, "nested too deep", None),
        (b'{"runner": "console"}', 400, "missing key payload", None),
        (b'{"runner": "console", "payload": "top secret", "evry": 5}', 400, "did you mean 'every'", None),
        (b'{"runner": "console", "payload": "top secret", "every": true}', 400, "every: expected", "every"),
        (b'{"runner": "console", "payload": "top secret", "every": "x"}', 400, "every: expected", "every"),
        (
            b'{"runner": "console", "payload": "top secret", "overlap": "x"}',
            400,
            "overlap: expected",
            "overlap",
        ),
        (
            b'{"runner": "console", "payload": "' + b"x" * (2 << 20) + b'"}',
            422,
            "payload: expected",
            "payload",
        ),
        (b'{"runner": "console", "payload": "' + b"x" * SINGLE + b'"}', 413, "The body has more than", None),
    ],
)
def test_a_wrong_body_is_one_sentence(
    api: httpx.Client, content: bytes, status: int, detail: str, option: str | None
) -> None:
    response = api.put("/jobs/a", content=content, headers={"Content-Type": "application/json"})
    found = response.json()
    assert (response.status_code, found["status"], found.get("option")) == (status, status, option)
    assert detail in found["detail"]
    assert "Traceback" not in response.text and "xxxx" not in response.text


@pytest.mark.parametrize(
    ("query", "detail", "option"),
    [
        ("limit=0", "limit: expected a whole number from 1 to 500", "limit"),
        ("limit=x", "limit: expected a whole number", "limit"),
        ("limit=1&limit=2", "limit: expected one value, got 2", "limit"),
        ("paused=maybe", "paused: expected true or false, got 'maybe'", "paused"),
        (
            "state=asleep",
            "state: expected one of scheduled, waiting, paused, ended, manual, got 'asleep'",
            "state",
        ),
        ("color=red", "unknown field 'color' of the query", "color"),
        ("label=x", "label: expected name=value", "label"),
    ],
)
def test_a_wrong_query_is_one_sentence(api: httpx.Client, query: str, detail: str, option: str) -> None:
    refused(api.get(f"/jobs?{query}"), 400, detail, option)


def forged(*content: Any) -> str:
    """Return a cursor that has the form of one, and leads nowhere."""
    return urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/jobs", ("x", [])),
        ("/dump", ("label1 report", [])),
        ("/tasks", (0, "x")),
        ("/dead", (0, "x")),
        ("/changes", ("x",)),
        ("/jobs/a/changes", ("x",)),
        ("/history", ("x",)),
        ("/tasks/a@1/output", ("x", 0, False)),
        ("/tasks/a@1/output?follow=1", ("x", 0, False)),
        ("/jobs/a/occurrences?from=-1d&to=%2B1d", ("x",)),
    ],
)
def test_cursors_are_rejected_alike(
    board: Board, api: httpx.Client, path: str, content: tuple[Any, ...]
) -> None:
    board.put("a", "console", SECRET, every=3600)
    bare, _, query = path.partition("?")
    for cursor in ("nonsense", "", forged(*content)):
        response = api.get(bare, params=[*httpx.QueryParams(query).multi_items(), ("cursor", cursor)])
        refused(response, 400, "cursor: expected the `next` of a page with the same filters", "cursor")
        assert response.json()["type"] == "urn:jobs:option"


@pytest.mark.parametrize("id", ["x", "1", "99999999999999999999-0"])
def test_the_id_of_an_entry_is_checked(api: httpx.Client, id: str) -> None:
    refused(api.get("/events", params={"after": id}), 400, "after: expected the id of an entry", "after")


def test_what_a_runner_rejects_is_unprocessable(board: Board, url: str) -> None:
    with Board(board.name, url) as checking, serving_api(checking) as client:
        refused(client.put("/jobs/a", json=JOB | {"runner": "nobody"}), 422, "nobody", "runner")
        wrong = client.put("/jobs/a", json={"runner": "http", "payload": {"url": SECRET}})
        refused(wrong, 422, "url: expected http:// or https:// and a host", "payload")


def test_paths_and_methods_that_do_not_exist(api: httpx.Client) -> None:
    refused(api.get("/nothing"), 404, "There is no such path")
    refused(api.get("/jobs/"), 404, "There is no such path")
    response = api.post("/jobs/a", json={})
    refused(response, 405, "This path has the methods DELETE, GET, HEAD, PATCH, PUT")
    assert response.headers["allow"] == "DELETE, GET, HEAD, PATCH, PUT"
    for method in ("POST", "OPTIONS", "TRACE", "PROPFIND"):
        response = api.request(method, "/openapi.json")
        refused(response, 405, "This path has the methods GET, HEAD")
        assert response.headers["allow"] == "GET, HEAD"
    for path in ("/count", "/openapi.json", "/jobs"):
        assert (api.head(path).status_code, api.head(path).content) == (200, b"")
    text = api.put("/jobs/a", content=json.dumps(JOB), headers={"Content-Type": "text/plain"})
    refused(text, 415, "Content-Type: application/json")
    packed = gzip.compress(json.dumps(JOB).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    refused(api.put("/jobs/a", content=packed, headers=headers), 415, "without the header Content-Encoding")


def test_a_role_may_do_what_the_table_says(board: Board) -> None:
    """Each route is called by each role, with nothing to do it with: 403 says that the role is missing."""
    roles: list[Role] = list(ROLES)
    for role in roles:
        with serving_api(board, role) as client:
            for route in ROUTES:
                if route.streams == "always":
                    continue
                response = client.request(route.method, route.path.replace("{", "%7B").replace("}", "%7D"))
                is_allowed = roles.index(role) >= roles.index(route.role)
                assert (response.status_code != 403) == is_allowed, (role, route)
                if not is_allowed:
                    refused(response, 403, f"it needs the role {route.role}")
    assert board.count()["jobs"] == 0


def test_etags_guard_changes(board: Board, api: httpx.Client) -> None:
    board.put("a", "console", "1", every="1h")
    first = api.get("/jobs/a").headers["etag"]
    assert api.get("/jobs/a", headers={"If-None-Match": first}).status_code == 304
    board.edit("a", payload="2")
    assert api.get("/jobs/a", headers={"If-None-Match": first}).status_code == 200
    stale = {"If-Match": first}
    for response in (
        api.put("/jobs/a", json=JOB, headers=stale),
        api.patch("/jobs/a", json={"every": 5}, headers=stale),
        api.delete("/jobs/a", headers=stale),
        api.post("/jobs/a/pause", headers=stale),
        api.post("/jobs/a/resume", headers=stale),
        api.patch("/jobs/a", json={"every": 5}, headers={"If-Match": f'{first}, "other"'}),
        api.put("/jobs/new", json=JOB, headers={"If-Match": "*"}),
        api.patch("/jobs/a", json={"every": 5}, headers={"If-Match": f"W/{first}"}),
    ):
        refused(response, 412, "")
    assert board.show("a")["payload"] == "2"
    current = api.get("/jobs/a").headers["etag"]
    changed = api.patch("/jobs/a", json={"every": 5}, headers={"If-Match": f"{first}, {current}"})
    assert changed.status_code == 200
    paused = api.post("/jobs/a/pause", json={"for": "1h"}, headers={"If-Match": changed.headers["etag"]})
    assert paused.json()["state"] == "paused"
    assert (
        api.post("/jobs/a/resume", headers={"If-Match": paused.headers["etag"]}).json()["state"]
        == "scheduled"
    )


def test_a_run_changes_what_is_read_and_not_what_may_be_changed(board: Board, api: httpx.Client) -> None:
    board.put("a", "console", "1", every="1h")
    tag = api.get("/jobs/a").headers["etag"]
    board.tick()
    fresh = api.get("/jobs/a", headers={"If-None-Match": tag})
    assert fresh.status_code == 200
    assert api.patch("/jobs/a", json={"priority": 1}, headers={"If-Match": tag}).status_code == 200


def test_if_none_match_creates_once(board: Board, api: httpx.Client) -> None:
    once = {"If-None-Match": "*"}
    assert api.put("/jobs/a", json=JOB, headers=once).status_code == 201
    refused(api.put("/jobs/a", json=JOB, headers=once), 412, "a")
    refused(
        api.put("/jobs/a", json=JOB, headers={"If-None-Match": '"x"'}), 400, "If-None-Match", "If-None-Match"
    )


def test_an_idempotency_key_pushes_once(board: Board, api: httpx.Client) -> None:
    board.put("a", "console", "x")
    for path, body in (("/jobs/a/push", {}), ("/tasks", JOB)):
        headers = {"Idempotency-Key": f"key-{path}"}
        first = api.post(path, json=body, headers=headers)
        assert first.status_code == 201
        assert api.post(path, json=body, headers=headers).json() == first.json()
        assert api.post(path, json=body).json() != first.json()
    assert board.count()["queued"] == 4
    two = api.post("/jobs/a/push", headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "b")])
    refused(two, 400, "Idempotency-Key: expected one key, got 2", "Idempotency-Key")
    assert board.count()["queued"] == 4


def test_a_push_continues_the_trace_of_its_request(board: Board, api: httpx.Client) -> None:
    board.put("a", "console", "x")
    mine, other = (f"00-{digit * 32}-{digit * 16}-01" for digit in "12")
    for path, body in (("/jobs/a/push", {}), ("/tasks", JOB), ("/tasks/bulk", {"tasks": [JOB]})):
        headers = {"traceparent": mine, "tracestate": "v=1"}
        assert api.post(path, json=body, headers=headers).is_success
        assert api.post(path, json=body, headers={"traceparent": "wrong"}).is_success
    assert api.post("/tasks", json=JOB | {"traceparent": other}, headers=headers).is_success
    refused(api.post("/tasks", json=JOB | {"traceparent": "wrong"}), 400, "traceparent", "traceparent")
    traces = [trace_of(task.options) for task in board.pop("console", count=9)]
    assert traces == [{"traceparent": mine, "tracestate": "v=1"}, {}] * 3 + [{"traceparent": other}]


def test_while_redis_is_away_the_answer_is_503(board: Board) -> None:
    with Board("away", "redis://127.0.0.1:1?socket_connect_timeout=1") as away, serving_api(away) as client:
        response = client.get("/count", timeout=60)
    assert response.status_code == 503
    assert response.json()["type"] == "urn:jobs:server"


def test_a_body_of_a_bulk_call_is_answered_for_each(board: Board, api: httpx.Client) -> None:
    jobs: list[Any] = [JOB | {"id": "a", "every": 60}, JOB | {"id": "b", "every": "x"}, JOB | {"id": "c"}]
    items = api.post("/load", json={"jobs": jobs}).json()["items"]
    assert [item["id"] for item in items] == ["a", "b", "c"]
    assert items[0]["next"] > 0 and items[2]["next"] is None
    assert items[1]["error"]["option"] == "every"
    tasks = [{"runner": "console", "payload": "x"}, {"id": "a"}, {"id": "nobody"}]
    pushed = api.post("/tasks/bulk", json={"tasks": tasks}).json()["items"]
    assert pushed[0]["task"].startswith("push:") and pushed[1]["task"].startswith("a@")
    assert pushed[2]["error"]["status"] == 404
