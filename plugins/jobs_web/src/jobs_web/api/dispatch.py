"""The ASGI application of the API: finds the route, checks the role, reads the request, answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from jobs_web.access.user import User
from jobs_web.api.cursors import checked_cursor
from jobs_web.api.model import Answer, Call, Problem, Route
from jobs_web.api.openapi import document
from jobs_web.api.problems import problem
from jobs_web.api.reading import match, read_body, read_query, segments_of
from jobs_web.api.routes import ROUTES
from jobs_web.api.streams import Stream, Streams
from jobs_web.site import Site, View

DOCUMENT = ["openapi.json"]


class Api:
    """The API of a board. Mount it at `/api/v1`."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.streams = Streams()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            raise
        except Exception as error:
            response = problem(error)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        segments = segments_of(request.scope)
        method = "GET" if request.method == "HEAD" else request.method
        if segments == DOCUMENT:
            require_method(method, {"GET"})
            return _response(document(request.scope.get("root_path", "")), 200)
        route, path = find(method, segments)
        user: User = request.scope["user"]
        if not user.may(route.role):
            raise Problem(403, f"The role {user.role} may not do this: it needs the role {route.role}.")
        query = read_query(route, request.query_params)
        body = await read_body(route, request)
        call = Call(self._view(request, user), path, query, body, request.headers)
        found = await run_in_threadpool(_run, route, call)
        if isinstance(found, Stream):
            return self.streams.answer(found, request)
        answer = found if isinstance(found, Answer) else Answer(found)
        return _response(answer.body, answer.status or route.status, answer.headers)

    def _view(self, request: Request, user: User) -> View:
        root: str = request.scope.get("root_path", "")
        home: str = request.scope.get("app_root_path", root)
        return View(self.site, user, request.scope["path"], request.query_params, root, home)


def find(method: str, segments: list[str]) -> tuple[Route, dict[str, str]]:
    """Return the route of a request, and the named segments of its path.

    A path without names goes before one with them: `/tasks/bulk` before `/tasks/{id}`.

    Raises:
        Problem: There is no such path, or it has no such method.
    """
    found = [(route, path) for route in ROUTES if (path := match(route, segments)) is not None]
    if not found:
        raise Problem(404, "There is no such path. openapi.json describes all of them.")
    require_method(method, {route.method for route, _ in found})
    chosen = [(route, path) for route, path in found if route.method == method]
    return min(chosen, key=lambda one: len(one[1]))


def require_method(method: str, known: set[str]) -> None:
    """Raise Problem if a path does not have a method. What has GET has HEAD, too."""
    if method not in known:
        allowed = ", ".join(sorted(known | ({"HEAD"} if "GET" in known else set())))
        raise Problem(405, f"This path has the methods {allowed}.", headers={"Allow": allowed})


def _run(route: Route, call: Call) -> Any:
    with checked_cursor():
        return route.run(call)


def _response(body: Any, status: int, headers: Mapping[str, str] | None = None) -> Response:
    headers = {"Cache-Control": "no-cache", **(headers or {})}
    if body is None:
        return Response(None, status, headers)
    text = json.dumps(body, default=_plain, separators=(",", ":"))
    return Response(text, status, headers, "application/json")


def _plain(value: Any) -> Any:
    """Return what JSON has no type for."""
    if isinstance(value, datetime):
        return value.timestamp()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"no JSON for {type(value).__name__}")
