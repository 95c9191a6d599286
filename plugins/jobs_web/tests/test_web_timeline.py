"""The timeline: what ran and runs."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import jobs_web
import pytest
from jobs_web.charts.timeline import Bar, Mark, Row, Window, assign_lanes, ticks_of, timeline_row
from playwright.sync_api import Page, expect
from starlette.applications import Starlette
from starlette.routing import Mount

from jobs_core import Board, Gap
from plugins.jobs_web.tests.conftest import Served, serving

HOUR = Window(0, 3600)


def test_bars_that_overlap_are_in_lanes_of_their_own() -> None:
    bars = [Bar("done", begin, end, "", "") for begin, end in ((0, 10), (5, 15), (10, 20), (12, 13))]
    assert [lane for _, lane in assign_lanes(bars)] == [0, 1, 0, 2]


def test_places_are_percent_and_never_outside() -> None:
    assert [HOUR.percent(at) for at in (-5, 0, 900, 3600, 9999)] == [0, 0, 25, 100, 100]
    row = Row("a", "", [Bar("done", 900, 1800, "/task?id=1", "a@1: done", due=720)])
    drawn = timeline_row(row, HOUR, [], [])
    assert '<rect class="bar done" x="25.0%" y="2" width="25.000%"' in drawn
    assert '<line class="wait" x1="20.0%" x2="25.0%"' in drawn


def test_what_would_be_drawn_over_each_other_is_one() -> None:
    bars = [Bar("done", at, at + 1, f"/task?id={at}", "") for at in (1, 3, 5, 1000)]
    bars += [Bar("dead", 4, 5, "/task?id=bad", ""), Bar("done", 2, 60, "/task?id=long", "")]
    marks = [Mark("failed", at, "", "") for at in (1, 2, 900)]
    drawn = timeline_row(Row("a", "/job?id=a", bars, marks), HOUR, [], [])
    assert drawn.count('class="bar done"') == 3
    assert drawn.count('class="bar dead"') == 1
    assert drawn.count('class="mark failed"') == 2
    merged = "3 done, from 1970-01-01 00:00:01 UTC to 1970-01-01 00:00:06 UTC"
    assert f'<a href="/job?id=a"><title>{merged}</title>' in drawn


def test_a_failure_is_hatched_and_a_running_bar_ends_in_an_arrow() -> None:
    failed = timeline_row(Row("a", "", [Bar("dead", 0, 60, "", "")]), HOUR, [], [])
    running = timeline_row(Row("a", "", [Bar("running", 0, 60, "", "")]), HOUR, [], [])
    done = timeline_row(Row("a", "", [Bar("done", 0, 60, "", "")]), HOUR, [], [])
    assert ("hatch" in failed, "hatch" in done) == (True, False)
    assert ("<path" in running, "<path" in done) == (True, False)


def test_a_gap_is_drawn_behind_the_bars() -> None:
    drawn = timeline_row(Row("a", "", [Bar("done", 0, 9, "", "")]), HOUR, [Gap("idle", 1800, 2700)], [])
    assert drawn.index('class="gap" x="50.0%" y="0" width="25.000%"') < drawn.index('class="bar done"')
    assert "nobody ticked" in drawn


def test_names_and_titles_are_escaped() -> None:
    mark = Mark("skipped", 5, '/job?id="><script>', "<script>")
    drawn = timeline_row(Row('<b>"', "", [], [mark]), HOUR, [], [])
    assert "<script>" not in drawn and "<b>" not in drawn


def test_ticks_are_round_on_the_clock_of_a_zone() -> None:
    """On 28 March 2027 at 2:00, the clocks of Brussels go to 3:00."""
    begin = datetime(2027, 3, 27, 23, tzinfo=UTC).timestamp()  # midnight in Brussels
    found = ticks_of(Window(begin, begin + 86400), timedelta(hours=4), ZoneInfo("Europe/Brussels"))
    labels = [label for _, label in found]
    assert labels == ["00:00", "04:00", "08:00", "12:00", "16:00", "20:00", "00:00"]
    assert [round((at - begin) / 3600) for at, _ in found] == [0, 3, 7, 11, 15, 19, 23]


def run(board: Board, job: str, worker: str = "w1", verb: str = "done") -> str:
    """Run a job on a worker, and return the id of the task."""
    id = board.push(job)
    (task,) = board.pop("shell", lease=60, worker=worker)
    board.ack(task.token, verb)  # type: ignore[arg-type]
    return id


def titles(text: str, kind: str = "") -> list[str]:
    """Return the titles of bars and marks of a kind."""
    found = re.findall(r'<a href="[^"]*"><title>([^<]*)</title>(.*?)</a>', text)
    return [unescape(title) for title, shape in found if re.search(rf'class="(bar|mark) {kind}', shape)]


def test_each_run_is_a_bar_that_leads_to_its_task(board: Board, served: Served) -> None:
    for job in ("load", "clean"):
        board.put(job, "shell", "x")
    task, bad = run(board, "load"), run(board, "clean", verb="dead")
    board.push("load")
    (held,) = board.pop("shell", lease=60, worker="w2")
    text = served.client.get("/timeline").text
    assert f'href="/task?id={task.replace("@", "%40")}"' in text
    assert [title.split(":")[0] for title in titles(text, "done")] == [task]
    assert [title.split(":")[0] for title in titles(text, "dead")] == [bad]
    assert [title.split(":")[0] for title in titles(text, "running")] == [held.id]
    assert re.findall(r'<a class="name" [^>]*>([^<]*)</a>', text) == ["clean", "load"]


def test_a_hostile_board_is_shown_as_text(board: Board, served: Served) -> None:
    board.put("<script>alert(1)</script>", "shell", "x")
    run(board, "<script>alert(1)</script>", worker='"><img src=x>')
    for path in ("/timeline", "/timeline?by=worker"):
        text = served.client.get(path).text
        assert "<script>alert" not in text and "<img" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;@" in text


def test_links_of_a_mounted_page_have_its_root(board: Board) -> None:
    board.put("load", "shell", "x", every=60)
    board.put("clean", "shell", "x", after=["load"])
    run(board, "load")
    with serving(
        Starlette(
            routes=[Mount("/here", app=jobs_web.app(board, access=jobs_web.Access(open_role="editor")))]
        )
    ) as mounted:
        for path in ("/timeline", "/week", "/graph"):
            text = mounted.client.get(f"/here{path}").text.split("</h1>")[1]
            links = re.findall(r'(?:href|action|src)="(/[^"]*)"', text)
            assert links and all(link.startswith("/here/") for link in links)
        assert 'name="back" value="/week?zone=UTC"' in mounted.client.get("/here/week?zone=UTC").text


def test_rows_by_worker(board: Board, served: Served) -> None:
    board.put("load", "shell", "x")
    run(board, "load", "w2")
    run(board, "load", "w1")
    text = served.client.get("/timeline", params={"by": "worker"}).text
    assert re.findall(r'<a class="name" [^>]*>([^<]*)</a>', text) == ["w1", "w2"]


def test_a_run_that_is_not_kept_is_a_mark_at_its_end(board: Board, served: Served) -> None:
    board.put("load", "shell", "x", history=1)
    first, last = (run(board, "load") for _ in range(2))
    text = served.client.get("/timeline").text
    mark, bar = sorted(titles(text, "done"), key=lambda title: title.startswith(last))
    assert mark.startswith(f"{first}: done. Its start is not kept, ")
    assert bar.startswith(f"{last}: done after ")


def test_failed_attempts_and_skipped_occurrences_are_marks(board: Board, served: Served) -> None:
    board.put("load", "shell", "x", every=60, overlap="skip")
    board.tick()
    (task,) = board.pop("shell", lease=600)
    board.tick(now=time.time() + 61)
    board.ack(task.token, "failed", code="7")
    text = served.client.get("/timeline").text
    assert [title.split(",")[0] for title in titles(text, "failed")] == [f"{task.id}: attempt 1 failed"]
    assert [title.split(",")[0] for title in titles(text, "skipped")] == ["load: 1 skipped (overlap)"]


@pytest.mark.parametrize(
    ("field", "value"), [("match", "l*d"), ("label", "team=data"), ("runner", "python"), ("text", "ORDERS")]
)
def test_filters(board: Board, served: Served, field: str, value: str) -> None:
    board.put("load", "python", "x", queue="shell", label="team=data", description="all orders")
    board.put("clean", "shell", "x", label="team=web")
    for job in ("load", "clean"):
        run(board, job)
    text = served.client.get("/timeline", params={field: value}).text
    assert re.findall(r'<a class="name" [^>]*>([^<]*)</a>', text) == ["load"]


def test_earlier_and_later(board: Board, served: Served) -> None:
    board.put("load", "shell", "x")
    run(board, "load")
    now = served.client.get("/timeline", params={"span": "15m"}).text
    (earlier,) = re.findall(r'rel="prev" href="([^"]*)"', now)
    assert 'rel="next"' not in now
    text = served.client.get(unescape(earlier)).text
    assert "Nothing ran in this time." in text
    (later,) = re.findall(r'rel="next" href="([^"]*)"', text)
    assert titles(served.client.get(unescape(later)).text, "done")


def test_the_time_in_which_nobody_ticked_is_shown(board: Board, served: Served) -> None:
    begin = time.time() - 3000
    board.put("load", "shell", "x", every=60, now=begin)
    board.tick(now=begin)
    board.tick(now=begin + 1000)
    run(board, "load")
    assert board.gaps()
    assert 'class="gap"' in served.client.get("/timeline").text.split("</h1>")[1].split('class="legend"')[0]


def test_more_than_is_read_is_said(board: Board, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs_web.pages.timeline_rows.JOBS", 2)
    monkeypatch.setattr("jobs_web.pages.timeline_rows.ENTRIES", 3)
    for n in range(4):
        board.put(f"j{n}", "shell", "x")
        run(board, f"j{n}")
    text = served.client.get("/timeline").text
    assert re.findall(r'<a class="name" [^>]*>([^<]*)</a>', text) == ["j2", "j3"]
    assert "The picture is cut off before" in text
    assert "The 2 jobs with the latest entries are shown, and 1 others are not." in text


@pytest.mark.parametrize(
    ("field", "value"),
    [("span", "2y"), ("by", "x"), ("zone", "../etc"), ("to", "nan"), ("to", "1e99"), ("to", "x")],
)
def test_a_wrong_field_is_one_sentence(board: Board, served: Served, field: str, value: str) -> None:
    answer = served.client.get("/timeline", params={field: value})
    assert answer.status_code == 400
    assert f"{field}: expected" in answer.text


def test_the_browser_sees_runs_as_they_come(board: Board, page: Page) -> None:
    board.put("load", "shell", "x")
    page.goto("/timeline?span=15m")
    expect(page.get_by_text("Nothing ran in this time.")).to_be_visible()
    board.push("load")
    (task,) = board.pop("shell", lease=60)
    expect(page.locator(".lanes .bar.running")).to_have_count(1)
    board.ack(task.token)
    expect(page.locator(".lanes .bar.running")).to_have_count(0)
    expect(page.locator(".lanes .bar.done")).to_have_count(1)
    assert page.locator(".timeline a.name").get_attribute("href") == "/job?id=load"


def test_a_phone_shows_the_timeline_without_scrolling_sideways(board: Board, page: Page) -> None:
    board.put("load", "shell", "x")
    run(board, "load")
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/timeline")
    expect(page.locator(".lanes")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
