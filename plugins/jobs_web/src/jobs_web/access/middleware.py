"""Lets requests in: sets `scope["user"]`, or answers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from jobs_core import JobsError, ServerError
from jobs_web.access.answers import ask_for_login, refuse, refuse_error, too_many
from jobs_web.access.gate import Gate, bearer, path_of, shown_token
from jobs_web.access.same_origin import SAFE_METHODS, is_same_origin
from jobs_web.access.user import User

NO_LOGIN = ("/login", "/logout", "/healthz", "/readyz")
"""Paths that need no login. Nor does what is below `/static/`."""


class AccessMiddleware:
    """An ASGI middleware that lets in who may use the board.

    Sets `scope["user"]`, and `scope["is_let_in"]`, an async function which says whether a request would be
    let in again: streams ask it, so that they end with the token.
    """

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self.app = app
        self.gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        try:
            # A program that forgets its token, and says no origin, learns of the token first.
            answer = (
                self._check_host(request)
                or self._check_origin(request, if_unsaid=True)
                or await self._identify(request)
                or self._check_origin(request, if_unsaid=self._is_guest(request))
            )
        except JobsError as error:
            answer = await refuse_error(request, error)
        await (answer or self.app)(scope, receive, send)

    def _check_host(self, request: Request) -> Response | None:
        """Refuse requests to another name, which a site may have given this address."""
        hosts = self.gate.access.hosts
        if hosts is not None and _host_name(request) not in hosts:
            return refuse(
                request, 400, "This server has another name. `jobs web --host-name NAME` adds a name to it."
            )
        return None

    def _check_origin(self, request: Request, *, if_unsaid: bool) -> Response | None:
        """Refuse requests that another site may have started.

        Args:
            request: The request.
            if_unsaid: Whether to let it pass if it does not say where it comes from.
        """
        if request.method in SAFE_METHODS or bearer(request) is not None:
            return None
        if is_same_origin(request, default=if_unsaid):
            return None
        return refuse(request, 403, "This came from another site, or does not say where it comes from.")

    def _is_guest(self, request: Request) -> bool:
        """Return whether nothing says who sends a request, so that no other site can act in their name."""
        return self.gate.access.open_role is not None and self.gate.cookie not in request.cookies

    async def _identify(self, request: Request) -> Response | None:
        """Set the user of the request, or answer."""
        path = path_of(request)
        if path in NO_LOGIN or path.startswith("/static/"):
            return None
        user = await self.gate.user_of(request)
        if user is None:
            return self._turn_away(request)

        async def is_let_in() -> bool:
            try:
                return await self.gate.user_of(request) == user
            except ServerError:
                return True  # while Redis is away, streams say so, and have nothing else to show

        request.scope["user"] = user
        request.scope["is_let_in"] = is_let_in
        return None

    def _turn_away(self, request: Request) -> Response:
        """Answer to somebody who is not known. Only wrong tokens count: right ones are never held up."""
        if shown_token(request) is None:
            return ask_for_login(request, "This needs a token: send the header Authorization: Bearer TOKEN.")
        address = self.gate.access.proxies.address(request.scope)
        if seconds := self.gate.failures.wait(address):
            return too_many(request, seconds)
        self.gate.failures.add(address)
        sentence = "There is no such token. `jobs web token add NAME` makes one."
        return refuse(request, 401, sentence, {"WWW-Authenticate": 'Bearer error="invalid_token"'})


def user_of(request: Request) -> User:
    """Return who sends a request that was let in."""
    user: User = request.scope["user"]
    return user


def _host_name(request: Request) -> str:
    """Return the header Host without the port."""
    host = request.headers.get("host", "").lower()
    return host.partition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
