"""What the tables of routes are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from jobs_web.access.user import Role
from jobs_web.parameters import Parameter as Parameter
from jobs_web.parameters import Schema as Schema

if TYPE_CHECKING:
    from starlette.datastructures import Headers

    from jobs_web.site import View

SINGLE, BULK = 8 << 20, 32 << 20
"""Bytes of a body at most: of one thing, whose payload of 1 MiB may be escaped, and of many things."""


@dataclass(frozen=True, slots=True)
class Route:
    """A method of a path.

    Args:
        method: The method of HTTP.
        path: The path, below `/api/v1`. `{id}` stands for one percent-encoded segment.
        role: Who may call it.
        summary: One line that says what it does.
        run: Does it. Runs on a thread.
        answer: The schema of what it answers. None if the answer is no JSON.
        parameters: The fields of its query, and its headers.
        body: The schema of its body, an object. None if it has none.
        status: The status of its answer.
        limit: Bytes of its body at most.
        media: The types of its body beside application/json.
        answers: Other answers than errors: descriptions by status.
        streams: When it answers with server-sent events: always, never, or if `follow` is set.
    """

    method: str
    path: str
    role: Role
    summary: str
    run: Callable[[Call], Any]
    answer: Schema | None = None
    parameters: Sequence[Parameter] = ()
    body: Schema | None = None
    status: int = 200
    limit: int = SINGLE
    media: Sequence[str] = ()
    answers: Mapping[int, str] = field(default_factory=dict)
    streams: Literal["never", "always", "follow"] = "never"

    @property
    def name(self) -> str:
        """A name that no other route has: `get_jobs_id`."""
        return "_".join((self.method.lower(), *(word.strip("{}") for word in self.segments)))

    @property
    def segments(self) -> tuple[str, ...]:
        """The segments of the path."""
        return tuple(self.path.strip("/").split("/"))


@dataclass(frozen=True, slots=True)
class Call:
    """A request, as a function of a route sees it.

    Args:
        view: The board, and who asks.
        path: The segments that the path of the route names, decoded.
        query: The fields of the query, checked.
        body: The body, checked.
        headers: The headers.
    """

    view: View
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Mapping[str, Any]
    headers: Headers

    @property
    def board(self) -> Any:
        """The board, for changes under the name of the user. Its methods check their options."""
        return self.view.board

    def options(self, *names: str) -> dict[str, Any]:
        """Return the fields of the query with these names that are given."""
        return {name: self.query[name] for name in names if name in self.query}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with more than JSON and the usual status."""

    body: Any
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Problem(Exception):
    """A request that cannot be answered, for a reason that the client of a board does not know."""

    def __init__(
        self,
        status: int,
        detail: str,
        option: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.option, self.headers = status, option, headers or {}
