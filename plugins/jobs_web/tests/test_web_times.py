"""Times on the page: typed and shown on the clock of the reader."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import unquote

import httpx
import pytest
from jobs_web.actions.done import SAID
from playwright.sync_api import Browser, expect

from jobs_core import Board
from jobs_core.testing import PATIENCE

from .conftest import Served

TYPED, MEANT = "2030-07-01T08:00", "2030-07-01T06:00:00.000+00:00"
"""A time as somebody in Brussels types it, and the instant."""


TEXTS = """(all) => all.map((one) =>
  [one.title, (one.querySelector("small") ?? one).textContent, one.querySelector(".there")?.hidden])"""


@pytest.fixture
def reader(served: Served) -> Iterator[httpx.Client]:
    """Somebody whose browser has told that it is in Brussels."""
    cookies = {"jobs_zone": "Europe%2FBrussels"}
    with httpx.Client(base_url=served.url, timeout=PATIENCE, cookies=cookies) as client:
        yield client


def instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize("path", ["/job?id=a&at=", "/changes?from=", "/changes?to="])
def test_a_time_in_a_query_is_the_readers(
    board: Board, served: Served, reader: httpx.Client, path: str
) -> None:
    board.put("a", "shell", "x", every="1h")
    assert f'datetime="{MEANT}"' in reader.get(path + TYPED).text
    assert f'datetime="{MEANT}"' in reader.get(path + "2030-07-01T06:00Z").text
    text = served.client.get(path + TYPED).text
    assert 'datetime="2030-07-01T08:00:00.000+00:00"' in text
    assert '08:00:00<span class="utc"> UTC</span>' in text


def test_the_end_of_the_timeline_is_the_readers(reader: httpx.Client) -> None:
    assert 'datetime="2026-07-01T06:00:00.000+00:00"' in reader.get("/timeline?to=2026-07-01T08:00").text
    text = reader.get("/timeline?to=2026-07-01T08:00&zone=Asia/Tokyo").text
    assert 'datetime="2026-06-30T23:00:00.000+00:00"' in text


def test_words_are_on_the_readers_clock(board: Board, reader: httpx.Client) -> None:
    board.put("a", "shell", "x", every="1h")
    found = re.search(r'At <time class="instant" datetime="([^"]*)"', reader.get("/job?id=a&at=03:00").text)
    assert found
    assert datetime.fromisoformat(found[1]).astimezone(UTC).hour in (1, 2)


def test_a_pause_says_when_it_ends_on_the_readers_clock(
    board: Board, served: Served, reader: httpx.Client
) -> None:
    for id in ("a", "b"):
        board.put(id, "shell", "x", every="1h")
    said = {}
    for client, id in ((reader, "a"), (served.client, "b")):
        answer = client.post("/actions/pause", data={"job": id, "until": TYPED})
        said[id] = unquote(answer.cookies[SAID])
    assert board.show("a")["paused-until"] == instant(MEANT)
    assert board.show("b")["paused-until"] == instant("2030-07-01T08:00Z")
    assert said["a"] == "Paused a. It resumes at 2030-07-01 08:00:00 Europe/Brussels."
    assert said["b"] == "Paused b. It resumes at 2030-07-01 08:00:00 UTC."


@pytest.mark.parametrize("name", ["at", "start", "stop"])
def test_times_of_the_form_are_the_readers(board: Board, reader: httpx.Client, name: str) -> None:
    form = {"id": "a", "runner": "shell", "payload": "x", name: TYPED}
    form |= {} if name == "at" else {"every": "1h"}
    preview = reader.post("/job/new", data={**form, "go": "preview"}).text
    assert f'datetime="{MEANT}"' in preview
    assert 'value="2030-07-01T08:00:00+02:00"' in preview
    assert reader.post("/job/new", data={**form, "go": "save"}).status_code == 303
    assert board.show("a")[name] == instant(MEANT)
    assert "read on the clock of Europe/Brussels" in reader.get("/job/edit?id=a").text


def test_the_server_writes_the_text_that_the_browser_would(
    board: Board, served: Served, browser: Browser
) -> None:
    board.put("a", "shell", "x", at="2030-07-01T06:00Z")
    board.put("b", "shell", "x", cron="30 12 * * *", zone="Asia/Tokyo")
    context = browser.new_context(base_url=served.url, timezone_id="Asia/Tokyo")
    scripted, plain = context.new_page(), context.new_page()
    plain.route("**/static/*.js", lambda route: route.abort())
    for path in ("/changes", "/changes?from=2026-01-01", "/job?id=a", "/job?id=b"):
        scripted.goto(path)  # tells the zone
        texts = []
        for tab in (scripted, plain):
            tab.goto(path)
            expect(tab.locator("time").first).to_be_visible()
            texts.append(tab.locator("time").evaluate_all(TEXTS))
        assert texts[0] == texts[1] != [], path
    context.close()
