"""A hostile board: whatever jobs, workers and people write on it is shown as text, and leads nowhere else."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

import jobs_web
import pytest
from jobs_web.actions.done import SAID
from jobs_web.api.routes import ROUTES
from jobs_web.calendars import LINE
from jobs_web.pages import PAGES
from jobs_web.site import local_path
from markupsafe import escape
from playwright.sync_api import Browser, expect

from jobs_core import Board
from jobs_core.plugin_ui import visible
from jobs_core.testing import PATIENCE

from .conftest import Served, serving, tab_on
from .hostile import IDS, MARKUP, PAYLOAD, QUEUE, fill, put

ALIEN = """() => {
  const all = [...document.querySelectorAll("*")];
  const names = all.flatMap((one) => [...one.attributes]).map((one) => one.name);
  const links = [...document.querySelectorAll("a[href]")].map((one) => one.href.baseVal ?? one.href);
  const targets = [...links, ...[...document.forms].map((one) => one.action)];
  return [
    ...(window.pwned ? ["a script ran"] : []),
    ...[...document.scripts].slice(1).map((one) => one.outerHTML),
    ...[...document.querySelectorAll("img, iframe, object, embed, base")].map((one) => one.outerHTML),
    ...names.filter((name) => /^(on|style)/.test(name)),
    ...targets.filter((one) => new URL(one, location).origin !== location.origin),
  ];
}"""
"""Finds in a page what no template has put there."""


@pytest.fixture(scope="module")
def board(url: str) -> Iterator[Board]:
    """The hostile board, for the tests that only read."""
    found = Board("hostile", url, validate=False)
    fill(found)
    yield found
    found.client.close()


@pytest.fixture(scope="module")
def served(board: Board) -> Iterator[Served]:
    """The pages of the hostile board, for editors: they have the most forms."""
    with serving(jobs_web.app(board, access=jobs_web.Access(open_role="editor"))) as found:
        yield found


def paths_of_pages(board: Board) -> list[str]:
    """Return each page at least once, and those of ids with that id."""
    dead = next(board.dead())["id"]
    running = next(board.tasks(state="leased"))["id"]
    by_path = {
        "/job": [f"/job?{urlencode({'id': id, 'at': MARKUP})}" for id in IDS[:2]],
        "/job/edit": [f"/job/edit?{urlencode({'id': IDS[0]})}"],
        "/job/new": [f"/job/new?{urlencode({'like': IDS[0]})}"],
        "/task": [f"/task?{urlencode({'id': id})}" for id in (dead, running, MARKUP)],
        "/tasks": ["/tasks", f"/tasks?{urlencode({'queue': QUEUE})}"],
        "/limit": [f"/limit?{urlencode({'kind': 'queue', 'name': QUEUE})}"],
        "/alert": ["/alert?name=watch", f"/alert?{urlencode({'name': MARKUP})}"],
        "/alert/edit": ["/alert/edit?name=watch"],
        "/alert/new": ["/alert/new?like=watch", f"/alert/new?{urlencode({'for': MARKUP})}"],
        "/graph": ["/graph", f"/graph?{urlencode({'job': IDS[0]})}"],
        "/timeline": ["/timeline", "/timeline?by=worker"],
    }
    return [path for page in PAGES for path in by_path.get(page, [page])]


@pytest.mark.parametrize("part", range(4))
def test_nothing_of_a_hostile_board_becomes_an_element(
    board: Board, served: Served, browser: Browser, part: int
) -> None:
    with tab_on(browser, served.url) as page:
        page.on("dialog", lambda dialog: pytest.fail(dialog.message))
        for path in paths_of_pages(board)[part::4]:
            response = page.goto(path)
            assert response is not None
            assert response.status in (200, 400, 404), path
            assert page.evaluate(ALIEN) == [], path
            assert "62615533" not in page.title(), path


LIVE = ("/", "/jobs", "/alerts", "/dead", "/queues", "/tasks", "/workers", "/changes", "/timeline", "/graph")


@pytest.mark.parametrize("path", LIVE)
def test_what_comes_by_live_updates_is_text(url: str, browser: Browser, path: str) -> None:
    board = Board(f"live{path.replace('/', '-')}", url, validate=False)
    app = jobs_web.app(board, access=jobs_web.Access(open_role="editor"))
    with serving(app) as served, tab_on(browser, served.url) as page:
        page.goto(path)
        fill(board)
        expect(page.locator("main")).to_contain_text("window.pwned", timeout=PATIENCE * 1000)
        assert page.evaluate(ALIEN) == []


def test_a_click_leads_to_the_page_of_a_job(board: Board, served: Served, browser: Browser) -> None:
    with tab_on(browser, served.url) as page:
        for id in IDS[::4]:
            page.goto(f"/jobs?{urlencode({'text': id, 'sort': 'id'})}")
            page.get_by_role("link", name=visible(id), exact=True).first.click()
            expect(page.get_by_role("heading", level=1)).to_have_text(visible(id))
            assert parse_qs(urlsplit(page.url).query)["id"] == [id]


class _Links(HTMLParser):
    """Collects the links of a page, and the fields of its forms."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fields: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(given.get("href", ""))
        if tag == "input":
            self.fields.append((given.get("name", ""), given.get("value", "")))


MANY = 8
"""Links of one kind that are followed."""


def test_every_link_leads_to_a_page(served: Served) -> None:
    followed: Counter[tuple[str, ...]] = Counter()
    seen, found = {"/"}, ["/"]
    while found:
        path = found.pop(0)
        response = served.client.get(path)
        assert response.status_code == 200, path
        for link in _Links(response.text).links:
            target = urlsplit(link)
            assert (target.scheme, target.netloc) == ("", ""), link
            kind = (target.path, *sorted(parse_qs(target.query)))
            if link not in seen and link[:1] == "/" and "zone=ZONE" not in link and followed[kind] < MANY:
                seen.add(link)
                followed[kind] += 1
                found.append(link)
    assert followed["/job", "id"] == followed["/task", "id"] == MANY


def test_every_job_has_a_link_to_its_page(served: Served) -> None:
    links = _Links(served.client.get("/jobs", params={"sort": "id"}).text).links
    assert {f"/job?{urlencode({'id': id})}" for id in IDS} <= set(links)
    for id in IDS:
        text = served.client.get("/job", params={"id": id}).text
        assert f"<h1>{escape(visible(id))}</h1>" in text


def test_forms_keep_ids_as_they_are(board: Board, served: Served) -> None:
    jobs = _Links(served.client.get("/jobs", params={"sort": "id"}).text).fields
    assert set(IDS) <= {value for name, value in jobs if name == "job"}
    for id in IDS:
        fields = dict(_Links(served.client.get("/job/edit", params={"id": id}).text).fields)
        assert fields["id"] == id
        assert fields["was.payload"] == board.show(id)["payload"]


@pytest.mark.parametrize("id", IDS)
def test_an_action_on_a_hostile_id_is_done_and_said(url: str, id: str) -> None:
    board = Board("hostile-actions", url, validate=False)
    put(board, id, "test", PAYLOAD)
    with serving(jobs_web.app(board, access=jobs_web.Access(open_role="editor"))) as served:
        response = served.client.post(
            "/actions/run", data={"job": id, "back": f"/job?{urlencode({'id': id})}"}
        )
        assert response.status_code == 303
        target = urlsplit(response.headers["location"])
        assert (target.scheme, target.netloc, target.path) == ("", "", "/job")
        assert parse_qs(target.query) == {"id": [id]}
        assert "x" not in response.cookies
        assert unquote(response.cookies[SAID]).startswith(f"Queued {id}@")
        text = served.client.get(response.headers["location"]).text
        assert escape(visible(f"Queued {id}@")) in text


BACKS = (
    *("//elsewhere.example", "/\\elsewhere.example", "https:elsewhere.example", "https://elsewhere.example"),
    *("/\t/elsewhere.example", "/\n/elsewhere.example", "\t//elsewhere.example", "/\r\nSet-Cookie: x=1"),
    *("javascript:window.pwned=1", "\x00//elsewhere.example", "\\\\elsewhere.example", "elsewhere.example"),
)


@pytest.mark.parametrize("back", BACKS)
def test_no_redirect_or_link_leads_away(board: Board, served: Served, back: str) -> None:
    assert local_path(back) == "/"
    asked = served.client.post("/actions/remove", data={"job": IDS[3], "back": back})
    assert _Links(asked.text).links[-1] == "/"
    done = served.client.post("/actions/pause", data={"job": IDS[3], "back": back, "because": back.strip()})
    assert done.headers.get("location", "/") == "/"
    assert "x" not in done.cookies
    served.client.post("/actions/resume", data={"job": IDS[3]})
    login = served.client.get("/login", params={"next": back}).text
    assert dict(_Links(login).fields)["next"] == "/"


@pytest.mark.parametrize("name", ["path", "self", "view", "changes", "query"])
def test_a_query_may_have_any_field(served: Served, name: str) -> None:
    for path in ("/jobs", "/timeline", "/tasks"):
        assert served.client.get(path, params={name: MARKUP}).status_code == 200


def test_the_api_gives_hostile_texts_as_json(board: Board, served: Served) -> None:
    response = served.client.get("/api/v1/jobs", params={"limit": 100})
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert set(IDS) <= {job["id"] for job in response.json()["items"]}
    for id in IDS:
        path = quote(id, safe="").replace(".", "%2E")
        assert served.client.get(f"/api/v1/jobs/{path}").json()["id"] == id
        errors = served.client.get(f"/api/v1/jobs/{path}/none")
        assert errors.headers["content-type"] == "application/problem+json"


def test_a_calendar_has_no_lines_of_its_jobs(board: Board, served: Served) -> None:
    for path in ("/calendar.ics", *(f"/job.ics?{urlencode({'id': id})}" for id in IDS)):
        response = served.client.get(path)
        assert response.headers["content-type"] == "text/calendar; charset=utf-8"
        lines = response.content.split(b"\r\n")
        assert all(len(line) <= LINE and not set(line) & set(range(32)) for line in lines)
        names = {re.split(b"[:;]", line)[0] for line in lines if line and not line.startswith(b" ")}
        assert names <= {
            *(b"BEGIN", b"END", b"VERSION", b"PRODID", b"X-WR-CALNAME"),
            *(b"TZID", b"TZOFFSETFROM", b"TZOFFSETTO"),
            *(b"UID", b"DTSTAMP", b"DTSTART", b"DURATION", b"SUMMARY", b"DESCRIPTION"),
        }


def test_bytes_that_are_no_text_are_shown(url: str) -> None:
    board = Board("bytes", url, validate=False)
    assert board.count()["jobs"] == 0  # which loads the functions
    call = board.client.execute_command
    options = (b"queue", b"q\xff", b"description", b"\xff")
    call("FCALL", "JSET", 1, board.keys.tag, b"raw", b"test", b"\xff\xfe", *options)
    call("FCALL", "JSET", 1, board.keys.tag, b"packed", b"test", b"\xff\xfe", b"every", b"3600")
    call("FCALL", "JPUSH", 1, board.keys.tag, b"raw")
    with serving(jobs_web.app(board, access=jobs_web.Access(open_role="editor"))) as served:
        for path in (*PAGES, "/job?id=raw", "/job/edit?id=raw", "/api/v1/jobs/raw", "/api/v1/tasks"):
            assert served.client.get(path).status_code < 500, path
        assert "\\udcff" in served.client.get("/job?id=raw").text
        form = dict(_Links(served.client.get("/job/edit?id=packed").text).fields)
        form |= {"payload": form["was.payload"], "next": "2030-01-01T00:00Z", "go": "save"}
        assert served.client.post("/job/edit", data=form).status_code == 303
    job = board.show("packed")
    assert job["next"] == datetime(2030, 1, 1, tzinfo=UTC).timestamp()
    assert job["payload"] == "\udcff\udcfe"


def test_payloads_are_only_where_the_pages_say_so(
    board: Board, served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    shows = {"/job", "/job/edit", "/job/new", "/task", "/alert", "/alert/edit", "/alert/new"}
    marker = PAYLOAD.split()[0]
    with caplog.at_level(logging.DEBUG):
        for path in (*paths_of_pages(board), f"/api/v1/jobs/{quote(IDS[0], safe='')}/runs"):
            text = served.client.get(path).text
            assert urlsplit(path).path in shows or marker not in text, path
        for route in ROUTES:
            if route.method == "GET" and "{" not in route.path and route.path not in ("/dump", "/forecast"):
                assert marker not in served.client.get(f"/api/v1{route.path}", params={"limit": 5}).text, (
                    route
                )
        served.client.post("/job/new", data={"id": "a b", "runner": "?", "payload": PAYLOAD, "go": "save"})
        served.client.post("/api/v1/tasks", json={"runner": "?", "payload": PAYLOAD})
    assert marker not in caplog.text
