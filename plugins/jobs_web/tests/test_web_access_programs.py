"""What programs are answered that are not let in, and calendar programs, which have only a URL."""

from __future__ import annotations

import jobs_web
import pytest
from jobs_web.access.failures import MOST
from jobs_web.access.tokens import KnownTokens, Token

from jobs_core import Board, ServerError

from .conftest import Served, serving
from .test_web_access import JSON, PAGE, add, bearer
from .test_web_access import closed as closed


def test_refusals_have_the_codes_of_the_api(
    board: Board, closed: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(**headers: str) -> tuple[int, str]:
        answer = closed.client.post("/api/v1/plan", headers=headers)
        return answer.status_code, answer.json()["type"]

    assert ask() == (401, "urn:jobs:denied")
    sentence = closed.client.post("/api/v1/plan").json()["detail"]
    assert sentence == closed.client.get("/api/v1/jobs").json()["detail"]
    assert "send the header Authorization: Bearer TOKEN" in sentence
    assert [ask(**bearer("jobs_wrong")) for _ in range(MOST)] == [(401, "urn:jobs:denied")] * MOST
    assert ask(**bearer("jobs_wrong")) == (429, "urn:jobs:busy")
    assert ask(**bearer(add(board, "viewer"))) in ((403, "urn:jobs:denied"), (429, "urn:jobs:busy"))

    def away(_: object) -> dict[str, Token]:
        raise ServerError("cannot reach Redis")

    monkeypatch.setattr(KnownTokens, "all", away)
    assert ask(**bearer("jobs_wrong")) == (503, "urn:jobs:server")


def test_a_path_that_no_route_matches_is_a_problem_below_the_api(board: Board, closed: Served) -> None:
    answer = closed.client.get("/api/v1/limits/runner/a%0Ab", headers=bearer(add(board, "viewer")))
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:jobs:not-found")


@pytest.mark.parametrize("mount", ["", "/boards/second"])
def test_calendars_take_a_token_in_the_query(
    board: Board, mount: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    board.put("report", "console", "x", every=3600)
    second = Board("second", client=board.client, validate=False)
    secret = add(board, "viewer")
    with serving(jobs_web.app(board, second)) as served:
        calendar = served.client.get(f"{mount}/calendar.ics", params={"token": secret})
        assert calendar.status_code == 200 and calendar.text.startswith("BEGIN:VCALENDAR")
        job = served.client.get(f"{mount}/job.ics", params={"token": secret, "id": "report"})
        assert job.status_code == (404 if mount else 200)
        for path in ("/", "/jobs", "/api/v1/jobs", "/live", "/x/calendar.ics", "/calendar.ics/x"):
            answer = served.client.get(mount + path, params={"token": secret}, headers=JSON)
            assert answer.status_code == 401, path
    written = capfd.readouterr()
    assert secret not in written.out + written.err + caplog.text


def test_a_wrong_token_of_a_calendar_counts(closed: Served) -> None:
    for _ in range(MOST):
        answer = closed.client.get("/calendar.ics", params={"token": "jobs_wrong"}, headers=PAGE)
        assert answer.status_code == 401 and "jobs_wrong" not in answer.text
    assert closed.client.get("/calendar.ics", params={"token": "jobs_wrong"}).status_code == 429
