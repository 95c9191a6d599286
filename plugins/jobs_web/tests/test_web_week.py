"""The week: what will run."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import jobs_web
import pytest
from jobs_web import forecasts
from jobs_web.access.user import Role, User
from jobs_web.charts.heatmap import Cell, cells_of, heat_legend, heat_map
from jobs_web.forecasts import Forecasts, Kept
from jobs_web.pages import PAGES
from jobs_web.rendering import render
from jobs_web.site import Site, View
from playwright.sync_api import Page, expect
from starlette.datastructures import QueryParams

from jobs_core import Board, ServerError
from jobs_core.plugin_ui import Forecast
from jobs_core.testing import PATIENCE
from plugins.jobs_web.tests.conftest import Served, serving

BRUSSELS = ZoneInfo("Europe/Brussels")


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


def week(served: Served, **params: str) -> str:
    """Return the page as soon as it has a forecast."""
    pages: list[str] = []

    def is_ready() -> bool:
        pages.append(served.client.get("/week", params=params).text)
        return "The forecast appears here" not in pages[-1]

    wait_until(is_ready)
    return pages[-1]


def empty_forecast(begin: float = 0.0) -> Forecast:
    return Forecast(begin, begin + 86400, 0, 0, {}, {}, (), (), ())


def test_hours_are_cells_of_the_clock_of_a_zone() -> None:
    at = int(datetime(2026, 12, 1, 23, tzinfo=UTC).timestamp())
    assert cells_of({at: 5}, UTC) == [Cell("2026-12-01", 23, 5)]
    assert cells_of({at: 5}, BRUSSELS) == [Cell("2026-12-02", 0, 5)]


def test_an_hour_that_the_clock_repeats_is_one_cell() -> None:
    first = int(datetime(2026, 10, 25, 0, tzinfo=UTC).timestamp())  # 2:00 in Brussels, twice
    assert cells_of({first: 2, first + 3600: 3}, BRUSSELS) == [Cell("2026-10-25", 2, 5)]


def test_the_map_has_shades_numbers_and_links() -> None:
    drawn = heat_map({0: 0, 3600: 1, 7200: 40}, UTC, lambda day: f"/week?day={day}&x=<")
    assert drawn.count("<rect") == 3
    assert 'class="heat0"' in drawn and 'class="heat1"' in drawn and 'class="heat4"' in drawn
    assert "1970-01-01 02:00: 40 runs" in drawn
    assert 'href="/week?day=1970-01-01&amp;x=&lt;"' in drawn
    assert heat_legend({0: 1}, UTC) == [(0, "none"), (1, "1")]


def test_never_two_forecasts_of_a_board_at_once(board: Board) -> None:
    go, begun = threading.Event(), []

    def make(board: Board, follow: Callable[[float], object]) -> Forecast:
        begun.append(threading.get_ident())
        follow(0.4)
        assert go.wait(PATIENCE)
        return empty_forecast()

    found = Forecasts(make)
    assert found.start(board)
    wait_until(lambda: found.progress is not None and found.progress.share == 0.4)
    assert not found.start(board)
    found.refresh(board)
    go.set()
    wait_until(lambda: found.progress is None)
    assert found.kept is not None and found.kept.forecast == empty_forecast()
    assert len(begun) == 1


def test_a_forecast_is_kept_until_the_definition_of_the_board_changes(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[float] = []

    def make(board: Board, follow: Callable[[float], object]) -> Forecast:
        made.append(board.top(1).time)
        return empty_forecast(made[-1])

    def refreshed() -> int:
        found.refresh(board)
        wait_until(lambda: found.progress is None)
        return len(made)

    monkeypatch.setattr(forecasts, "REST", -1.0)
    board.put("a", "shell", "x", every=60)
    found = Forecasts(make)
    assert (refreshed(), refreshed()) == (1, 1)
    board.push("a")
    assert refreshed() == 1
    board.pause("a")
    assert refreshed() == 2
    monkeypatch.setattr(forecasts, "KEEP", -1.0)
    assert refreshed() == 3


def test_what_goes_wrong_is_kept_as_a_sentence(board: Board) -> None:
    def make(board: Board, follow: Callable[[float], object]) -> Forecast:
        raise ServerError("no server here")

    def fail(board: Board, follow: Callable[[float], object]) -> Forecast:
        raise ValueError("secret")

    for maker, words in (
        (make, "no server here"),
        (fail, "The forecast failed. The log of the server says why."),
    ):
        found = Forecasts(maker)
        found.start(board)
        wait_until(lambda found=found: found.progress is None)
        assert found.kept is not None and found.kept.trouble == words


def test_a_forecast_is_cancelled_and_not_made_again_by_itself(board: Board) -> None:
    begun = threading.Event()

    def make(board: Board, follow: Callable[[float], object]) -> Forecast:
        begun.set()
        while True:
            follow(0.5)
            time.sleep(0.01)

    found = Forecasts(make)
    assert not found.cancel()
    found.start(board)
    assert begun.wait(PATIENCE)
    assert found.cancel()
    wait_until(lambda: found.progress is None)
    assert found.kept is not None and found.kept.trouble == "The forecast was cancelled."
    found.refresh(board)
    assert found.progress is None


def test_a_slow_board_is_forecast_for_a_day(
    board: Board, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecasts, "LONG", -1.0)
    board.put("load", "shell", "x", cron="0 3 * * *")
    text = week(served)
    assert "1 run in 1 day" in text
    assert "jobs forecast --days 7" in text


def test_the_page_cancels_a_forecast(board: Board, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    board.put("load", "shell", "x", every=1)
    served.client.get("/week")
    assert served.client.post("/actions/cancel-forecast", data={"back": "/week"}).status_code == 303
    wait_until(lambda: "The forecast was cancelled." in served.client.get("/week").text)


ENDING = """
import sys, time
from jobs_core import Board
from jobs_web.forecasts import Forecasts, Kept
from jobs_web.pages import PAGES
from jobs_web.rendering import render
from jobs_web.site import Site, View

found = Forecasts()
found.start(Board(*sys.argv[1:]))
while found.kept is None and (found.progress is None or not found.progress.share):
    time.sleep(0.02)
print("no forecast yet" if found.kept is None else found.kept)
"""


def test_a_process_ends_in_the_middle_of_a_forecast(board: Board, url: str) -> None:
    board.put("load", "shell", "x", every=1)
    board.put("clean", "shell", "x", after=["load"])
    words = [sys.executable, "-c", ENDING, board.name, url]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert (done.stdout, done.stderr) == ("no forecast yet\n", "")


def test_the_week_has_what_will_run(board: Board, served: Served) -> None:
    for id in ("load", "clean"):
        board.put(id, "shell", "x", cron="0 3 * * *")
    board.put("manual", "shell", "x")
    text = week(served)
    assert "14 runs in 7 days" in text
    assert len(re.findall(r"03:00: 2 runs", text)) == 7
    assert 'href="/job?id=load">load</a>, <a href="/job?id=clean">' in text or (
        'href="/job?id=clean">clean</a>, <a href="/job?id=load">' in text
    )
    never = text.split("Never in this time")[1].split("Guessed")[0]
    assert re.findall(r'href="/job\?id=([^"]*)"', never) == ["manual"]
    assert "There are always enough workers" in text


def test_a_day_has_its_hours_with_jobs(board: Board, served: Served) -> None:
    board.put("load", "shell", "x", cron="0,30 3 * * *")
    day = str(date.today() + timedelta(days=2))
    text = week(served, day=day)
    assert re.search(r'03:00</th><td class="number">2</td>.*?id=load">load</a> <small>2.', text, re.DOTALL)
    assert text.count('<th scope="row">') == 24
    assert f"day={date.today() + timedelta(days=1)}" in text
    in_brussels = week(served, day=day, zone="Europe/Brussels")
    assert re.search(r'0[45]:00</th><td class="number">2</td>', in_brussels)


def test_a_part_of_an_id_chooses_jobs(board: Board, served: Served) -> None:
    for id in ("load", "clean"):
        board.put(id, "shell", "x", cron="0 3 * * *")
    plan = week(served, text="LOA").split("What each job does")[1]
    assert re.findall(r'href="/job\?id=([^"]*)"', plan) == ["load"]


def test_without_a_server_it_says_what_to_install(
    board: Board, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBS_SERVER", "/nowhere/valkey-server")
    assert "pip install &#39;jobs-core[embedded]&#39;" in week(served)


@pytest.mark.parametrize(("field", "value"), [("day", "tomorrow"), ("zone", "Mars/Base")])
def test_a_wrong_field_is_one_sentence(board: Board, served: Served, field: str, value: str) -> None:
    answer = served.client.get("/week", params={field: value})
    assert answer.status_code == 400
    assert f"{field}: expected" in answer.text


def test_the_browser_shows_the_forecast_when_it_is_ready(board: Board, page: Page) -> None:
    board.put("load", "shell", "x", cron="0 3 * * *")
    page.goto("/week")
    expect(page.get_by_text("7 runs in 7 days")).to_be_visible(timeout=PATIENCE * 1000)
    board.put("clean", "shell", "x", cron="0 4 * * *")
    page.get_by_role("button", name="Make a new forecast").click()
    expect(page.get_by_role("status").first).to_contain_text("forecast")
    expect(page.get_by_text("14 runs in 7 days")).to_be_visible(timeout=PATIENCE * 1000)
    page.locator("svg.heat a").nth(1).click()
    expect(page.locator("table.hours tbody tr")).to_have_count(24)


@contextmanager
def forecasting(board: Board, kept: Forecast | None = None) -> Iterator[Forecasts]:
    """Yield the forecasts of a board of which one is under way."""
    go = threading.Event()

    def make(board: Board, follow: Callable[[float], object]) -> Forecast:
        assert go.wait(PATIENCE)
        return empty_forecast()

    found = Forecasts(make)
    found.kept = Kept(kept, None, time.time(), 0.1) if kept else None
    found.start(board)
    yield found
    go.set()
    wait_until(lambda: found.progress is None)


def test_an_old_forecast_says_that_a_new_one_is_being_made(board: Board) -> None:
    with forecasting(board, empty_forecast()) as found:
        text = rendered(board, found, "viewer")
        assert "This is the forecast of before. A new one is being made." in text
        assert "Nothing runs in this time." not in text
    assert "Nothing runs in this time." in rendered(board, found, "viewer")


def test_viewers_see_the_forecast_and_operators_make_one(board: Board) -> None:
    with forecasting(board, empty_forecast()) as found:
        for name in ("forecast", "cancel-forecast"):
            assert f"/actions/{name}" not in rendered(board, found, "viewer")
            assert f"/actions/{name}" in rendered(board, found, "operator")
            with serving(jobs_web.app(board, access=jobs_web.Access(open_role="viewer"))) as served:
                assert served.client.post(f"/actions/{name}").status_code == 403


def rendered(board: Board, found: Forecasts, role: Role) -> str:
    view = View(Site(board, forecasts=found), User(None, role), "/week", QueryParams())
    return render(view, PAGES["/week"](view))
