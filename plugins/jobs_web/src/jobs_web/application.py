"""The ASGI application: which function answers which path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from jobs_core import Board, JobsError
from jobs_web.access.answers import refuse_error
from jobs_web.access.configuration import Access
from jobs_web.access.gate import Gate
from jobs_web.access.login import login_routes
from jobs_web.access.middleware import AccessMiddleware, user_of
from jobs_web.actions.done import Done, answer
from jobs_web.actions.handling import forget_said, handle, said
from jobs_web.api.dispatch import Api
from jobs_web.bodies import Bodies
from jobs_web.calendars import board_calendar, job_calendar
from jobs_web.errors import unexpected
from jobs_web.headers import SecurityHeaders
from jobs_web.health import health_routes
from jobs_web.live.hub import Hub, Topic
from jobs_web.live.stream import stream, wanted
from jobs_web.metrics import metrics_route
from jobs_web.pages import FORMS, PAGES, PageFunction
from jobs_web.queries import answer as answer_page
from jobs_web.rendering import render, render_parts
from jobs_web.site import Site, View

STATIC = Path(__file__).parent / "static"

ZONE = "jobs_zone"
"""The cookie with the zone of the reader's clock, which `static/times.js` sets."""


def app(*boards: Board, access: Access | None = None) -> ASGIApp:
    """Return an ASGI application that shows one or more boards.

    The first board is at its root. If there are several, each is also at `/boards/<name>`.

    Args:
        boards: The boards. The tokens of the first are valid for all of them.
        access: Who may use them. By default, who has a token.

    >>> routes = [Mount("/jobs", app=jobs_web.app(Board("jobs")))]
    """
    names = tuple(board.name for board in boards)
    gate = Gate(boards[0], access or Access())
    first, *_ = sites = [Site(board, names, boards) for board in boards]
    routes: list[BaseRoute] = [Mount("/static", StaticFiles(directory=STATIC), name="static")]
    routes += [*login_routes(gate), *health_routes(boards)]
    if len(sites) > 1:
        routes += [Mount(f"/boards/{site.board.name}", routes=site_routes(site)) for site in sites]
    routes += site_routes(first)
    inner = Starlette(
        routes=routes,
        middleware=[Middleware(AccessMiddleware, gate)],
        exception_handlers={JobsError: refuse_error, HTTPException: refuse_error, Exception: unexpected},
    )
    return SecurityHeaders(Bodies(inner))


def site_routes(site: Site) -> Sequence[BaseRoute]:
    """Return the routes of a board."""
    hub = Hub()
    pages = [Route(path, partial(_answer, site, function)) for path, function in PAGES.items()]
    forms = [Route(path, partial(_submit, site, path), methods=["POST"]) for path in FORMS]
    return [
        *pages,
        *forms,
        Route("/live", partial(_live, site, hub)),
        Route("/actions/{name}", partial(_act, site), methods=["POST"]),
        Mount("/api/v1", app=Api(site)),
        metrics_route(site.board),
        Route("/calendar.ics", partial(_calendar, site)),
        Route("/job.ics", partial(_calendar, site)),
    ]


def view_of(site: Site, request: Request) -> View:
    """Return what a request asks for."""
    root: str = request.scope.get("root_path", "")
    home: str = request.scope.get("app_root_path", root)
    path, zone = request.scope["path"].removeprefix(root), unquote(request.cookies.get(ZONE, ""))[:64]
    return View(site, user_of(request), path, request.query_params, root, home, zone)


def _answer(site: Site, function: PageFunction, request: Request) -> Response:
    """Render a page. Starlette calls this on a thread, since reading the board blocks."""
    view = view_of(site, request)
    page = answer_page(function, view)
    sentence = said(request)
    response = HTMLResponse(render(view, page, sentence), page.status)
    if sentence:
        forget_said(view, response)
    return response


def _calendar(site: Site, request: Request) -> Response:
    """Answer with the next runs of a job, or of all jobs, as a calendar."""
    id, now = request.query_params.get("id"), datetime.now(UTC)
    if request.scope["path"].endswith("/job.ics") and id is None:
        raise HTTPException(400, "id: expected the id of a job, such as /job.ics?id=report")
    text = board_calendar(site.board, now) if id is None else job_calendar(site.board, id, now)
    return Response(text, media_type="text/calendar; charset=utf-8")


async def _act(site: Site, request: Request) -> Response:
    """Do what a form asks for."""
    return await handle(view_of(site, request), request)


async def _submit(site: Site, path: str, request: Request) -> Response:
    """Take a form of a page one step further."""
    view, form = view_of(site, request), await request.form()
    found = await run_in_threadpool(FORMS[path], view, form)
    return answer(view, found) if isinstance(found, Done) else HTMLResponse(render(view, found), found.status)


async def _live(site: Site, hub: Hub, request: Request) -> Response:
    """Stream what changes on the pages that the query names."""
    here = view_of(site, request)
    if request.method == "HEAD":
        return Response(media_type="text/event-stream")
    topics = [topic for url in wanted(request) if (topic := _topic(here, url))]
    return stream(hub, topics, request.scope["is_let_in"])


def _topic(here: View, url: str) -> Topic | None:
    """Return how a page is watched, given its URL; None if there is no such page."""
    parts = urlsplit(url)
    path = parts.path.removeprefix(here.root) or "/"
    function = PAGES.get(path)
    if function is None:
        return None
    view = replace(here, site=here.site.live, path=path, query=QueryParams(parts.query))

    def render_live() -> dict[str, str]:
        return render_parts(view, answer_page(function, view))

    return Topic(url, (here.root, here.user.role, here.zone, url), render_live)
