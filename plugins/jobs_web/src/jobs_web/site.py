"""What every page and call of the API works with: the board, who asks, and for what."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException

from jobs_core import Board
from jobs_web.access.user import Role, User
from jobs_web.forecasts import Forecasts

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams


@dataclass(frozen=True)
class Site:
    """A board as it is served.

    Args:
        board: The board.
        names: The names of all boards of this server.
        boards: All boards of this server.
        forecasts: Makes and keeps the forecast of the board.
    """

    board: Board
    names: tuple[str, ...] = ()
    boards: tuple[Board, ...] = ()
    forecasts: Forecasts = field(default_factory=Forecasts, compare=False)

    @cached_property
    def live(self) -> Site:
        """The same for live pages: rendered again soon, they do not wait for a Redis that is away."""
        return replace(self, board=_impatient(self.board), boards=tuple(map(_impatient, self.boards)))


def _impatient(board: Board) -> Board:
    """Return a board on the same connections that does not wait for a Redis that is away."""
    found = copy.copy(board)
    found.commands = board.commands.with_timeout(patience=0)
    return found


@dataclass(frozen=True)
class View:
    """A request for a page, without the connection: a live page is rendered from it again and again.

    Args:
        site: The board as it is served.
        user: Who asks.
        path: The path below the root of the board: `/job`.
        query: The fields of the query.
        root: What precedes each path of the board: empty, or where it is mounted.
        home: What precedes the paths that boards share, such as `/static` and `/login`.
        zone: The zone of the reader's clock, as the browser has told it; empty if it has not.
    """

    site: Site
    user: User
    path: str
    query: QueryParams
    root: str = ""
    home: str = ""
    zone: str = ""

    @cached_property
    def board(self) -> Board:
        """The board, on which the user makes changes under their own name."""
        board = self.site.board
        return board if self.user.name is None else board.with_author(self.user.name)

    def require_role(self, role: Role) -> None:
        """Raise HTTPException if the user may not do what this role may."""
        if not self.user.may(role):
            sentence = f"This needs the role {role}, and yours is {self.user.role}."
            raise HTTPException(403, sentence)

    def url(self, path: str, /, **query: Any) -> str:
        """Return the URL of a page: `url("/job", id="a b")`. Fields that are None or empty are left out.

        >>> view.url("/job", id="a b")
        '/job?id=a+b'
        """
        return self.root + self.below(path, **query)

    def below(self, path: str, /, **query: Any) -> str:
        """Return the URL of a page below the root of the board, as the field `back` of a form has it."""
        given = {name: value for name, value in query.items() if value not in (None, "", False)}
        return path + (f"?{urlencode(given, doseq=True, errors='surrogateescape')}" if given else "")

    @property
    def here(self) -> str:
        """The path and query of this page below the root: the field `back` of its forms."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def again(self, /, **changes: Any) -> str:
        """Return the URL of this page with other fields."""
        return self.url(self.path, **{**dict(self.query), **changes})


def local_path(path: object) -> str:
    """Return a path that somebody sent, if it is one of this site; else the first page.

    Browsers ignore tabs and line ends in a URL, and take a backslash for a slash.

    >>> local_path("/job?id=a"), local_path("//elsewhere.example"), local_path(None)
    ('/job?id=a', '/', '/')
    """
    if not isinstance(path, str) or not path.isprintable() or not path.startswith("/"):
        return "/"
    return "/" if path.startswith(("//", "/\\")) else path


@dataclass(frozen=True)
class Page:
    """A page to render: a template, and what it shows."""

    template: str
    data: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
