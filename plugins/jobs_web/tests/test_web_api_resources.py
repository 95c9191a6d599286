"""What the API answers about tasks, dead letters, limits, backfills, runs and the board; and its document."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from jobs_web.api.routes import ROUTES
from openapi_spec_validator import validate

from jobs_core import Board
from jobs_core.plugin_ui import JOB_OPTIONS, PUSH_OPTIONS

JOB = {"runner": "console", "payload": "secret"}


def get(api: httpx.Client, path: str, **query: Any) -> Any:
    response = api.get(path, params=query)
    assert response.status_code == 200, response.text
    return response.json()


def post(api: httpx.Client, path: str, **body: Any) -> Any:
    response = api.post(path, json=body)
    assert response.status_code in (200, 201), response.text
    return response.json()


def test_tasks_are_listed_shown_and_cancelled(board: Board, api: httpx.Client) -> None:
    task = post(api, "/tasks", **JOB, queue="slow", attempts=2)["task"]
    (found,) = get(api, "/tasks", queue="slow")["items"]
    assert (found["id"], "payload" in found) == (task, False)
    assert get(api, f"/tasks/{task}", payload=1)["payload"] == "secret"
    assert get(api, "/tasks", payload="true", state="queued")["items"][0]["payload"] == "secret"
    assert "waited in the queue" in get(api, f"/tasks/{task}/why")["text"]
    assert post(api, f"/tasks/{task}/cancel") == {"state": "cancelled"}
    assert get(api, f"/tasks/{task}")["state"] == "cancelled"
    assert api.post(f"/tasks/{task}/cancel").status_code == 404


def test_all_tasks_of_a_label_are_cancelled(board: Board, api: httpx.Client) -> None:
    board.put("a", "console", "x", label="team=a")
    board.push("a")
    assert post(api, "/tasks/cancel", label=["team=a"]) == {"cancelled": 1, "cancelling": 0}
    assert api.post("/tasks/cancel", json={}).status_code == 400


def test_dead_letters_are_retried_and_purged(board: Board, api: httpx.Client) -> None:
    tasks = [board.push("console", "secret", policy="ack", attempts=1) for _ in range(3)]
    for task in board.pop("console", count=3, lease=60):
        board.ack(str(task.token), "dead")
    assert sorted(one["id"] for one in get(api, "/dead")["items"]) == sorted(tasks)
    for body in ({}, {"all": False}):
        refused = api.post("/dead/retry", json=body)
        assert (refused.status_code, refused.json()["option"]) == (400, "all")
        assert '{"all": true}' in refused.json()["detail"]
    for nothing in ({"job": ""}, {"task": ""}, {"queue": ""}):
        assert post(api, "/dead/purge", **nothing) == {"count": 0}
    assert post(api, "/dead/retry", task=tasks[0]) == {"count": 1}
    assert post(api, "/dead/purge", all=True) == {"count": 2}
    assert get(api, "/dead") == {"items": [], "next": None}
    assert next(board.changes()).by == "ann"


def test_limits_are_set_and_removed(board: Board, api: httpx.Client) -> None:
    limit = api.put("/limits/queue/a%2Fb", json={"concurrency": 2, "max-length": 5}).json()
    assert limit["kind"] == "queue" and limit["name"] == "a/b"
    assert (limit["concurrency"], limit["rate"], limit["max-length"]) == (2, None, 5)
    assert get(api, "/limits")["items"] == [limit]
    assert api.delete("/limits/queue/a%2Fb").status_code == 204
    assert api.delete("/limits/queue/a%2Fb").status_code == 404
    assert api.put("/limits/worker/x", json={"concurrency": 1}).status_code == 404
    assert api.put("/limits/queue/x", json={"rate": "often"}).json()["option"] == "rate"
    for _ in range(3):
        board.push("console", "x", queue="long")
    assert post(api, "/queues/long/trim", keep=1) == {"count": 2}


def test_retention_is_read_and_set(board: Board, api: httpx.Client) -> None:
    assert get(api, "/retention") == board.retention()
    changed = api.patch("/retention", json={"dead-letters": 7, "expire-ended": "1d", "changes": "off"}).json()
    assert (changed["dead-letters"], changed["expire-ended"], changed["changes"]) == (7, 86400, None)


def test_occurrences_and_backfills(board: Board, api: httpx.Client) -> None:
    board.put("a", "console", "x", every=3600, start="2026-01-01T00:00:00Z", stop="2026-01-02T00:00:00Z")
    span = {"from": "2026-01-01", "to": "2026-01-01T05:00:00Z"}
    found = get(api, "/jobs/a/occurrences", **span, limit=3)
    rest = get(api, "/jobs/a/occurrences", **span, limit=3, cursor=found["next"])
    dues = [one["due"] for one in (*found["items"], *rest["items"])]
    assert dues == [1767225600 + 3600 * hour for hour in range(5)]
    assert rest["next"] is None
    backfill = post(api, "/backfills", job="a", **span, **{"latest-first": True})
    assert [one["id"] for one in get(api, "/backfills")["items"]] == [backfill["id"]]
    assert api.post(f"/backfills/{backfill['id']}/cancel").json()["state"] in ("cancelled", "cancelling")
    assert get(api, f"/backfills/{backfill['id']}")["job"] == "a"


def test_runs_summaries_and_logs(board: Board, api: httpx.Client) -> None:
    board.put("a", "console", "x", policy="ack")
    assert get(api, "/jobs/a/summary")["runs"] == 0
    task = board.push("a")
    (held,) = board.pop("console", lease=60)
    board.ack(str(held.token), "done", tail="out one\n")
    (run,) = get(api, "/jobs/a/runs")["items"]
    assert (run["task"], run["outcome"]) == (task, "done")
    assert get(api, "/jobs/a/summary")["last"]["task"] == task
    assert get(api, "/jobs/a/stats")["done"] == 1
    assert get(api, "/stats")["done"] == 1
    assert get(api, f"/tasks/{task}")["state"] == "done"
    assert [entry["what"] for entry in get(api, "/history", job="a")["items"]] == ["done"]
    assert get(api, "/hours")["items"][0]["counts"]["done"] == 1
    assert api.get("/jobs/nobody/summary").status_code == 404


def test_schedules_are_explained_and_previewed(api: httpx.Client) -> None:
    assert get(api, "/explain", pattern="@daily")["explanation"] == "At 00:00 every day."
    assert api.get("/explain", params={"pattern": "99 * * * *"}).status_code == 400
    assert api.get("/explain", params={"pattern": "@daily", "zone": "Moon"}).status_code == 400
    assert api.get("/explain").json()["option"] == "pattern"
    runs = get(api, "/preview", cron="0 3 * * *", count=2, **{"from": "2026-12-01T00:00:00Z"})["items"]
    assert runs == [1796094000, 1796180400]
    assert api.get("/preview", params={"cron": "x"}).json()["option"] == "cron"


def test_the_board_is_shown(board: Board, api: httpx.Client) -> None:
    board.put("load", "console", "secret", every="1h", label="team=a")
    board.put("report", "console", "secret", after="load")
    document = "/boards/b/api/v1/openapi.json"
    assert get(api, "/") == {"board": board.name, "boards": [board.name], "openapi": document}
    assert api.get("/openapi.json").json()["servers"] == [{"url": document.rpartition("/")[0]}]
    assert get(api, "/count")["jobs"] == 2
    assert get(api, "/labels") == {"team=a": 1}
    assert get(api, "/graph")["edges"] == [{"parent": "load", "child": "report", "label": ""}]
    assert get(api, "/graph", job="other")["edges"] == []
    assert get(api, "/jobs/report/when")["after"] == ["load"]
    assert get(api, "/jobs/load/why")["reason"] in ("not-due", "will-run")
    assert len(get(api, "/jobs/load/next", count=3)["items"]) == 3
    assert get(api, "/top")["jobs"] == 2
    assert get(api, "/workers")["items"] == []
    assert get(api, "/gaps")["items"] == []
    assert {one["job"] for one in get(api, "/lint")["items"]} == {"load", "report"}
    assert get(api, "/lint", ignore="no-timeout")["items"] == []
    assert get(api, "/forecast", days=1)["runs"] > 20
    for path in ("/jobs", "/changes", "/graph", "/jobs/load/changes", "/tasks"):
        assert "secret" not in api.get(path).text
    board.edit("load", payload="changed")
    assert "secret" not in api.get("/jobs/load/changes").text
    assert "secret" in api.get("/jobs/load/changes?payload=1").text


def test_jobs_are_dumped_and_loaded(board: Board, api: httpx.Client) -> None:
    board.put("a", "console", "x", every="1h")
    board.put("b", "console", "x", after="a", label="x=1")
    board.pause("b")
    dumped = get(api, "/dump")["items"]
    before = sorted(board.list(), key=lambda job: str(job["id"]))
    board.remove("a", "b")
    assert all("error" not in item for item in post(api, "/load", jobs=dumped)["items"])
    assert sorted(board.list(), key=lambda job: str(job["id"])) == before


def test_jobs_are_planned_and_applied(board: Board, api: httpx.Client) -> None:
    declared = {"owner": "me", "jobs": [JOB | {"id": "a", "every": 60}]}
    planned = post(api, "/plan", **declared)
    assert [(one["id"], one["change"]) for one in planned["changes"]] == [("a", "add")]
    assert board.count()["jobs"] == 0
    assert post(api, "/apply", **declared)["changes"] == planned["changes"]
    assert post(api, "/apply", **declared)["unchanged"] == 1
    refused = api.post("/apply", json={"owner": "me", "jobs": [JOB | {"id": "b", "every": "x"}]})
    assert refused.status_code == 422
    assert refused.json()["refused"][0]["error"]["option"] == "every"
    assert [job["id"] for job in board.list()] == ["a"]
    twice = {"owner": "me", "jobs": [JOB | {"id": "b"}, JOB | {"id": "b", "every": 60}]}
    refused = api.post("/apply", json=twice)
    assert refused.status_code == 422
    assert refused.json()["refused"][0]["error"]["detail"] == "id: the job 'b' is declared twice"
    assert [job["id"] for job in board.list()] == ["a"]


def test_alerts_are_applied_and_loaded_with_jobs(board: Board, api: httpx.Client) -> None:
    alert = {"alert": "failed", "runner": "console", "payload": "{text}", "when": "failed", "for": ["a"]}
    declared = {"owner": "me", "jobs": [JOB | {"id": "a", "every": 60}], "alerts": [alert]}
    planned = post(api, "/plan", **declared)
    assert [one["id"] for one in planned["changes"]] == ["a", "alert:failed"]
    assert list(board.alert_list()) == []
    post(api, "/apply", **declared)
    assert [one.owner for one in board.alert_list()] == ["me"]
    refused = api.post("/apply", json=declared | {"alerts": [alert | {"when": "sometimes"}]})
    assert refused.status_code == 422
    assert refused.json()["refused"][0]["id"] == "failed"
    dumped = get(api, "/dump")["items"]
    assert [one.get("id", one.get("alert")) for one in dumped] == ["a", "failed"]
    post(api, "/apply", owner="me", jobs=[], alerts=[])
    assert (board.count()["jobs"], list(board.alert_list())) == (0, [])
    jobs, alerts = [one for one in dumped if "id" in one], [one for one in dumped if "alert" in one]
    loaded = post(api, "/load", jobs=jobs, alerts=alerts)
    assert [set(one) for one in loaded["items"]] == [{"id", "next"}, {"alert", "next"}]
    assert [one.owner for one in board.alert_list()] == ["me"]


def test_the_document_is_valid_and_has_every_route_and_option(api: httpx.Client) -> None:
    document = get(api, "/openapi.json")
    validate(document)
    assert {(method.upper(), path) for path, methods in document["paths"].items() for method in methods} == {
        (route.method, route.path) for route in ROUTES
    }
    assert document["servers"] == [{"url": "/boards/b/api/v1"}]
    put = document["paths"]["/jobs/{id}"]["put"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(put["properties"]) == {"runner", "payload", *JOB_OPTIONS}
    push = document["paths"]["/tasks"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(push["properties"]) == {"runner", "payload", *PUSH_OPTIONS} - {"idempotency-key"}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_has_a_name_of_its_own(route: Any) -> None:
    assert [one for one in ROUTES if one.name == route.name] == [route]
