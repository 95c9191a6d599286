"""What the API answers about alerts, what they tell of now, and the digest."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from jobs_web.access.user import Role

from jobs_core import Board
from jobs_core.plugin_ui import ALERT_OPTIONS

from .conftest import run_all, serving_api

ALERT = {"runner": "console", "payload": "secret {subject}", "when": ["failed 2", "late 10m"], "for": "a*"}


def fail(board: Board, id: str, times: int = 1) -> None:
    for _ in range(times):
        board.push(id)
        run_all(board, "dead", queue="console", note="boom")


def test_alerts_are_put_listed_shown_and_removed(board: Board, api: httpx.Client) -> None:
    options = {
        "every": "4h",
        "recovery": True,
        "quiet": "22:00-07:00",
        "zone": "Europe/Brussels",
        "attempts": 5,
    }
    created = api.put("/alerts/ops", params={"because": "asked"}, json=ALERT | options)
    assert created.status_code == 201, created.text
    alert = created.json()
    assert (alert["name"], alert["when"], alert["for"]) == ("ops", "failed 2, late 10m", ["a*"])
    assert (alert["every"], alert["recovery"], alert["attempts"]) == (14400, True, 5)
    assert "payload" not in alert
    assert api.get("/alerts").json() == {"items": [alert], "next": None}
    assert api.get("/alerts", params={"payload": 1}).json()["items"][0]["payload"] == "secret {subject}"
    assert api.get("/alerts/ops").json() == alert | {"payload": "secret {subject}"}
    change = next(board.changes())
    assert (change.by, change.because, change.target) == ("ann", "asked", "alert:ops")
    replaced = api.put("/alerts/ops", json=ALERT | {"when": "dead", "recovery": None})
    assert (replaced.status_code, replaced.json()["when"]) == (200, "dead")
    assert "every" not in replaced.json()
    assert api.delete("/alerts/ops").status_code == 204
    assert api.delete("/alerts/ops").status_code == 404
    assert api.get("/alerts/ops").json()["type"] == "urn:jobs:not-found"


def test_alerts_are_found_by_job(board: Board, api: httpx.Client) -> None:
    board.put("a", "console", "x")
    for name, terms in (("one", "a"), ("two", "b"), ("three", "queue:cons*")):
        api.put(f"/alerts/{name}", json=ALERT | {"for": terms})
    found = api.get("/alerts", params={"job": "a"}).json()["items"]
    assert [alert["name"] for alert in found] == ["one", "three"]


def test_what_alerts_tell_of_now_is_listed(board: Board, api: httpx.Client) -> None:
    for id in ("a1", "a2"):
        board.put(id, "console", "x")
    api.put("/alerts/ops", json=ALERT)
    api.put("/alerts/pay", json=ALERT | {"when": "failed", "for": "a2"})
    fail(board, "a1", 2)
    fail(board, "a2", 2)
    found = api.get("/incidents").json()["items"]
    assert sorted((one["alert"], one["kind"], one["job"], one["times"]) for one in found) == [
        ("ops", "failed", "a1", 1),
        ("ops", "failed", "a2", 1),
        ("pay", "failed", "a2", 1),
    ]
    assert [one["since"] for one in found] == sorted(one["since"] for one in found)
    (one,) = api.get("/incidents", params={"alert": "pay", "job": "a2"}).json()["items"]
    assert one["more"] == 1
    assert api.get("/incidents", params={"job": "a1", "alert": "pay"}).json()["items"] == []
    assert api.get("/incidents", params={"alert": "none"}).status_code == 404
    assert api.get("/alerts/ops").json()["open"] == 2
    assert api.get("/alerts/ops").json()["told"] >= one["since"] - 60


def test_a_test_queues_a_task(board: Board, api: httpx.Client) -> None:
    api.put("/alerts/ops", json=ALERT)
    answer = api.post("/alerts/ops/test")
    assert answer.status_code == 201
    assert answer.json()["task"] == next(board.tasks())["id"]
    assert api.post("/alerts/none/test").status_code == 404


def test_an_alert_is_changed_only_as_it_was_read(board: Board, api: httpx.Client) -> None:
    created = api.put("/alerts/ops", json=ALERT, headers={"If-None-Match": "*"})
    assert created.status_code == 201
    again = api.put("/alerts/ops", json=ALERT, headers={"If-None-Match": "*"})
    assert (again.status_code, again.headers["content-type"]) == (412, "application/problem+json")
    tag = api.get("/alerts/ops").headers["etag"]
    assert api.get("/alerts/ops", headers={"If-None-Match": tag}).status_code == 304
    board.put("a", "console", "x")
    fail(board, "a", 2)
    told = api.get("/alerts/ops", headers={"If-None-Match": tag})
    assert (told.status_code, told.json()["open"]) == (200, 1)
    changed = api.put("/alerts/ops", json=ALERT | {"when": "dead"}, headers={"If-Match": tag})
    assert changed.status_code == 200  # it has only told something since
    for method in ("PUT", "DELETE"):
        body: dict[str, Any] = {"json": ALERT} if method == "PUT" else {}
        assert api.request(method, "/alerts/ops", headers={"If-Match": tag}, **body).status_code == 412
        for other in ("*", '"x"'):
            gone = api.request(method, "/alerts/none", headers={"If-Match": other}, **body)
            assert gone.status_code == 412, (method, other)
    assert api.get("/alerts/ops").json()["when"] == "dead"
    assert api.delete("/alerts/ops", headers={"If-Match": changed.headers["etag"]}).status_code == 204


@pytest.mark.parametrize(
    ("change", "option"),
    [
        ({"when": "often"}, "when"),
        ({"when": None}, "when"),
        ({"quiet": "late"}, "quiet"),
        ({"zone": "Europe/Bruxelles", "quiet": "22:00-07:00"}, "zone"),
        ({"for": ["a b"]}, "for"),
        ({"recovery": "maybe"}, "recovery"),
    ],
)
def test_an_error_names_the_field(api: httpx.Client, change: dict[str, Any], option: str) -> None:
    answer = api.put("/alerts/ops", json=ALERT | change)
    assert (answer.status_code, answer.json().get("option")) == (400, option), answer.text
    assert "secret" not in answer.text


def test_a_name_that_no_alert_can_have_is_an_error(api: httpx.Client) -> None:
    answer = api.put("/alerts/%3Cb%3E%2F", json=ALERT)
    assert (answer.status_code, answer.json()["option"]) == (400, "alert")


@pytest.mark.parametrize(
    ("role", "statuses"),
    [("viewer", (200, 200, 200, 403, 403, 403)), ("operator", (200, 200, 200, 201, 403, 403))],
)
def test_roles(board: Board, role: Role, statuses: tuple[int, ...]) -> None:
    board.alert_put("ops", "console", "x", when="failed")
    with serving_api(board, role) as api:
        found = (
            api.get("/alerts"),
            api.get("/incidents"),
            api.get("/digest"),
            api.post("/alerts/ops/test"),
            api.put("/alerts/ops", json=ALERT),
            api.delete("/alerts/ops"),
        )
    assert tuple(answer.status_code for answer in found) == statuses


def test_the_digest_tells_what_has_happened(board: Board, api: httpx.Client) -> None:
    board.put("a", "console", "x")
    fail(board, "a", 2)
    found = api.get("/digest", params={"days": 1}).json()
    assert (found["counts"]["dead"], found["failing_now"]) == (2, 1)
    assert [job["id"] for job in found["failing"]] == ["a"]
    assert "2 given up in 1 day" in found["subject"]
    assert found["until"] - found["since"] == pytest.approx(86400)
    assert api.get("/digest", params={"days": 400}).json()["option"] == "days"


def test_the_document_has_the_options_of_an_alert(api: httpx.Client) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    body = paths["/alerts/{name}"]["put"]["requestBody"]["content"]["application/json"]["schema"]
    assert {*ALERT_OPTIONS} | {"runner", "payload"} == {*body["properties"]}
    assert body["properties"]["recovery"]["type"] == ["boolean", "string", "null"]
