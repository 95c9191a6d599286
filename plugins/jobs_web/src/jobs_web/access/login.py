"""`/login` and `/logout`."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from jobs_web.access.answers import too_many
from jobs_web.access.gate import Gate, home
from jobs_web.bodies import refuse_larger
from jobs_web.rendering import environment
from jobs_web.site import local_path

MOST = 10_000
"""Bytes of a form that are read at most: anybody may send one."""


def login_routes(gate: Gate) -> list[Route]:
    """Return the routes of logins. They need no login."""

    async def show(request: Request) -> Response:
        """Show the form, or use the one-time link."""
        secret = request.query_params.get("link")
        if secret is None or request.method != "GET":
            return _form(request, request.query_params.get("next"))
        if seconds := gate.failures.wait(_address(gate, request)):
            return too_many(request, seconds)
        link = gate.access.link
        if link is None or not link.use(secret):
            if link and link.matches(secret) and await gate.is_logged_in(request):  # who opens the link again
                return RedirectResponse(f"{home(request)}/", 303)
            gate.failures.add(_address(gate, request))
            return _form(request, None, "This link is wrong, or has been used. Log in with a token.")
        response = RedirectResponse(f"{home(request)}/", 303)
        gate.log_in_by_link(request, response, link)
        return response

    async def log_in(request: Request) -> Response:
        """Check the token, and begin a session."""
        if seconds := gate.failures.wait(_address(gate, request)):
            return too_many(request, seconds)
        fields = await _fields(request)
        secret = fields.get("token", "").strip()
        token = await gate.token(secret)
        if token is None:
            gate.failures.add(_address(gate, request))
            return _form(request, fields.get("next"), "There is no such token.")
        response = RedirectResponse(home(request) + local_path(fields.get("next")), 303)
        gate.log_in(request, response, secret, token)
        return response

    async def log_out(request: Request) -> Response:
        """End the session of this browser."""
        response = RedirectResponse(f"{home(request)}/login", 303)
        gate.log_out(request, response)
        return response

    return [
        Route("/login", show),
        Route("/login", log_in, methods=["POST"]),
        Route("/logout", log_out, methods=["POST"]),
    ]


def _form(request: Request, next: str | None, mistake: str | None = None) -> Response:
    """Show the form, and why the last try failed."""
    template = environment().get_template("login.html")
    html = template.render(home=home(request), next=local_path(next), mistake=mistake)
    return HTMLResponse(html, 401 if mistake else 200, {"WWW-Authenticate": "Bearer"} if mistake else None)


def _address(gate: Gate, request: Request) -> str:
    return gate.access.proxies.address(request.scope)


async def _fields(request: Request) -> dict[str, str]:
    """Return the fields of the form."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        refuse_larger(request.headers, MOST, len(body))
    return dict(parse_qsl(body.decode("utf-8", "replace")))
