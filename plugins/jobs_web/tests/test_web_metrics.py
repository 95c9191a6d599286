"""`/metrics` of the page: the exposition of whichever plugin provides one, for scrapers with a token."""

from __future__ import annotations

from collections.abc import Callable

import jobs_web
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from jobs_core import Board, Plugins, ServerError, hookimpl

from .conftest import Served, serving
from .test_web_access import add, bearer
from .test_web_access import closed as closed

SCRAPER = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5,*/*;q=0.1"}


def test_a_scraper_with_a_token_reads_the_metrics_of_the_board(board: Board, closed: Served) -> None:
    board.put("report", "console", "x")
    secret = bearer(add(board, "viewer"))
    answer = closed.client.get("/metrics", headers=SCRAPER | secret)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    found = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert [(one.labels, one.value) for one in found["jobs_jobs"].samples] == [({"board": board.name}, 1)]
    assert "jobs_job_tasks" not in found
    single = closed.client.get("/metrics?per-job", headers=SCRAPER | secret)
    assert 'jobs_job_tasks_total{board="' in single.text and 'job="report"' in single.text


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer jobs_wrong"}])
def test_without_a_valid_token_it_is_refused(closed: Served, headers: dict[str, str]) -> None:
    answer = closed.client.get("/metrics", headers=SCRAPER | headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_each_board_has_its_own(board: Board) -> None:
    second = Board("second", client=board.client, validate=False)
    second.put("a", "console", "x")
    secret = bearer(add(board, "viewer"))
    with serving(jobs_web.app(board, second)) as served:
        assert (
            'jobs_jobs{board="second"} 1' in served.client.get("/boards/second/metrics", headers=secret).text
        )
        assert f'jobs_jobs{{board="{board.name}"}} 0' in served.client.get("/metrics", headers=secret).text


class Provider:
    """A plugin with an exposition of its own."""

    def __init__(self, read: Callable[[bool], tuple[str, bytes]]) -> None:
        self.read = read

    @hookimpl
    def jobs_exposition(self) -> Callable[[bool], tuple[str, bytes]]:
        return self.read


def ask(board: Board, *providers: Provider) -> tuple[int, str, str]:
    """Ask a page whose only plugins are these. Everybody may."""
    plugins = Plugins()
    for provider in providers:
        plugins.add("provider", provider)
    own = Board(board.name, client=board.client, plugins=plugins, validate=False)
    with serving(jobs_web.app(own, access=jobs_web.Access(open_role="viewer"))) as served:
        answer = served.client.get("/metrics", headers=SCRAPER)
    return answer.status_code, answer.headers["content-type"], answer.text


def test_any_plugin_can_provide_them(board: Board) -> None:
    assert ask(board, Provider(lambda per_job: ("text/x", f"{per_job}".encode()))) == (200, "text/x", "False")


def test_without_such_a_plugin_there_are_none(board: Board) -> None:
    status, content_type, text = ask(board)
    assert (status, content_type) == (404, "application/problem+json")
    assert "No plugin here provides metrics. Install jobs-metrics." in text


def test_while_redis_is_away_it_says_so(board: Board) -> None:
    def away(per_job: bool) -> tuple[str, bytes]:
        raise ServerError("cannot reach Redis")

    status, content_type, text = ask(board, Provider(away))
    assert (status, content_type) == (503, "application/problem+json")
    assert "cannot reach Redis" in text
