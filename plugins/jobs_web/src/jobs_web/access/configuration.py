"""What an application is told about who may use it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from jobs_web.access.links import OneTimeLink
from jobs_web.access.proxy import TrustedProxies
from jobs_web.access.user import Role, User


@dataclass(frozen=True)
class Access:
    """Who may use a board. Without arguments: who has a token of it.

    Args:
        open_role: The role of everybody who has not logged in. None: they have to.
        identify: Returns who sends a request, or None to ask for a login: for applications that have users
            of their own. It must not block.
        link: A link that logs one browser in.
        proxies: The proxies to believe.
        hosts: The names by which browsers reach the server, without a port. None: any.

    >>> jobs_web.app(board, access=Access(open_role="viewer"))
    """

    open_role: Role | None = None
    identify: Callable[[HTTPConnection], User | None] | None = None
    link: OneTimeLink | None = None
    proxies: TrustedProxies = field(default_factory=TrustedProxies)
    hosts: frozenset[str] | None = None
