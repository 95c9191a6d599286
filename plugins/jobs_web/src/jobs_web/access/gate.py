"""Finds out who sends a request."""

from __future__ import annotations

import hmac
import re
import time

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import Response

from jobs_core import Board
from jobs_web.access.configuration import Access
from jobs_web.access.failures import FailedLogins
from jobs_web.access.links import OneTimeLink
from jobs_web.access.sessions import LIFETIME, Session, cookie_name, new_session, read_session
from jobs_web.access.tokens import KnownTokens, Token, Tokens, session_proof, sha256
from jobs_web.access.user import User

_CALENDAR = re.compile(r"(/boards/[^/]+)?/(calendar|job)\.ics")


class Gate:
    """Who may use a board, and who somebody is. Its methods raise ServerError if Redis does not answer."""

    def __init__(self, board: Board, access: Access) -> None:
        self.access = access
        self.failures = FailedLogins()
        self.cookie = cookie_name(board.name)
        self._tokens = KnownTokens(Tokens(board))

    async def user_of(self, connection: HTTPConnection) -> User | None:
        """Return who sends a request; None if they have to log in. A token counts before all else."""
        secret = shown_token(connection)
        if secret is not None:
            token = await self.token(secret)
            return User(token.name, token.role) if token else None
        access = self.access
        found = access.identify(connection) if access.identify else None
        found = found or await self._named_by_proxy(connection) or await self._in_session(connection)
        if found is None and access.open_role:
            return User(None, access.open_role, is_guest=True)
        return found

    async def is_logged_in(self, connection: HTTPConnection) -> bool:
        """Return whether the browser has a session."""
        return await self._in_session(connection) is not None

    async def token(self, secret: str) -> Token | None:
        """Return the token that somebody shows; None if there is no such token."""
        return await run_in_threadpool(self._tokens.by_secret, secret)

    def log_in(self, connection: HTTPConnection, response: Response, secret: str, token: Token) -> None:
        """Begin the session of a token."""
        cookie = new_session(token.name, session_proof(secret), token.sha256.encode(), time.time())
        self._set(connection, response, cookie)

    def log_in_by_link(self, connection: HTTPConnection, response: Response, link: OneTimeLink) -> None:
        """Begin the session of a one-time link."""
        self._set(connection, response, new_session("", "", link.key, time.time()))

    def log_out(self, connection: HTTPConnection, response: Response) -> None:
        """Let the browser forget its session."""
        response.delete_cookie(self.cookie, path=home(connection) or "/")

    def _set(self, connection: HTTPConnection, response: Response, cookie: str) -> None:
        # With Strict, a link in a chat would lead to the login, though the reader is logged in. What changes
        # something is never a GET, and `same_origin` checks where it comes from.
        response.set_cookie(
            self.cookie,
            cookie,
            max_age=LIFETIME,
            path=home(connection) or "/",
            secure=self.access.proxies.is_https(connection.scope),
            httponly=True,
            samesite="lax",
        )

    async def _named_by_proxy(self, connection: HTTPConnection) -> User | None:
        name = self.access.proxies.user_name(connection.scope)
        if name is None:
            return None
        token = (await run_in_threadpool(self._tokens.all)).get(name)
        role = token.role if token else self.access.proxies.user_role
        return User(name, role) if role else None

    async def _in_session(self, connection: HTTPConnection) -> User | None:
        session = read_session(connection.cookies.get(self.cookie, ""))
        if session is None:
            return None
        if session.name == "":
            return self._by_link(session)
        token = (await run_in_threadpool(self._tokens.all)).get(session.name)
        if token is None or not session.is_signed(token.sha256.encode(), time.time()):
            return None
        if not hmac.compare_digest(sha256(session.proof), token.session_sha256):
            return None
        return User(token.name, token.role, can_log_out=True)

    def _by_link(self, session: Session) -> User | None:
        link = self.access.link
        is_valid = link is not None and session.is_signed(link.key, time.time())
        return User(None, link.role, can_log_out=True) if link and is_valid else None


def bearer(connection: HTTPConnection) -> str | None:
    """Return the token in the header Authorization."""
    scheme, _, secret = connection.headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def shown_token(connection: HTTPConnection) -> str | None:
    """Return the token that a request shows, in the header Authorization or in the query of a calendar.

    Calendar programs send no such header. Elsewhere the query does not count: a URL is easily passed on.
    """
    secret = bearer(connection)
    if secret is None and _CALENDAR.fullmatch(path_of(connection)):
        secret = connection.query_params.get("token")
    return secret


def path_of(connection: HTTPConnection) -> str:
    """Return the path below where the application is mounted."""
    return str(connection.scope["path"]).removeprefix(home(connection)) or "/"


def home(connection: HTTPConnection) -> str:
    """Return what precedes all paths of the application: empty, or where it is mounted."""
    return str(connection.scope.get("app_root_path", connection.scope.get("root_path", "")))
