"""Reads the path, the query and the body of a request. Errors are one sentence, without values of a body."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, unquote

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.types import Scope

from jobs_core.plugin_ui import check_fields
from jobs_web.api.model import Problem, Route
from jobs_web.bodies import refuse_larger
from jobs_web.parameters import read_values

DEEPEST = 100
"""How deep lists and objects of a body may be nested."""


def segments_of(scope: Scope) -> list[str]:
    """Return the segments of the path below where the API is mounted, each decoded by itself.

    `path` would not tell a slash between segments from one in an id.
    """
    raw = scope.get("raw_path") or quote(scope["path"]).encode()
    parts = raw.decode("ascii", "replace").split("/")
    root: str = scope.get("root_path", "")
    before = 0
    while before < len(parts) and _decoded("/".join(parts[: before + 1])) != root:
        before += 1
    return [_decoded(part) for part in parts[before + 1 :]]


def _decoded(text: str) -> str:
    return unquote(text, errors="surrogateescape")


def match(route: Route, segments: Sequence[str]) -> dict[str, str] | None:
    """Return the named segments of a path, if it is the path of the route."""
    pattern = route.segments
    if len(pattern) != len(segments):
        return None
    found = {}
    for name, segment in zip(pattern, segments, strict=True):
        if name.startswith("{") and segment:
            found[name.strip("{}")] = segment
        elif name != segment:
            return None
    return found


def read_query(route: Route, given: QueryParams) -> dict[str, Any]:
    """Return the fields of the query, with the types of their schemas."""
    known = [one for one in route.parameters if one.place == "query"]
    names = [one.name for one in known]
    for name in given:
        if name not in names:
            expected = ", ".join(names) or "none"
            raise Problem(400, f"unknown field {name[:40]!r} of the query, expected {expected}", name[:40])
    return read_values(known, given)


async def read_body(route: Route, request: Request) -> dict[str, Any]:
    """Return the body, checked by the schema of the route. An empty body is an empty object."""
    if route.body is None:
        return {}
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem(415, "Send the body as it is, without the header Content-Encoding.")
    refuse_larger(request.headers, route.limit)
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        refuse_larger(request.headers, route.limit, len(data))
    found: Any = {}
    if data:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in ("application/json", *route.media):
            raise Problem(415, "Send the body as JSON, with the header Content-Type: application/json.")
        found = parse(bytes(data))
    if not isinstance(found, dict):
        raise Problem(400, "The body: expected a JSON object.")
    check_fields(route.body, found)
    return found


def parse(data: bytes) -> Any:
    """Parse JSON."""
    try:
        found = json.loads(data, parse_constant=_refuse_constant, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise Problem(400, f"The body: the JSON is invalid at character {error.pos + 1}.") from None
    except UnicodeDecodeError:
        raise Problem(400, "The body: expected UTF-8, got other bytes.") from None
    except RecursionError:
        raise Problem(400, "The body: lists and objects are nested too deep.") from None
    except ValueError:  # a number with thousands of digits
        raise Problem(400, "The body: a number is too long.") from None
    if not _is_flat(found, DEEPEST):
        raise Problem(400, "The body: lists and objects are nested too deep.")
    return found


def _refuse_constant(name: str) -> None:
    raise Problem(400, f"The body: {name} is no number of JSON.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object. Python would keep the last of two values."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Problem(400, "The body: expected each key once in an object.")
    return found


def _is_flat(value: Any, depth: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth > 0 and all(_is_flat(one, depth - 1) for one in inner if isinstance(one, dict | list))
