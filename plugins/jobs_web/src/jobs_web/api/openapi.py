"""The OpenAPI document, made from the table of routes."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from jobs_core import __version__
from jobs_web.api.model import Parameter, Route
from jobs_web.api.problems import SCHEMA
from jobs_web.api.routes import ROUTES

PROBLEM = {"$ref": "#/components/schemas/Problem"}


def document(root: str) -> dict[str, Any]:
    """Return the document of the API that is mounted at `root`."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Jobs",
            "version": __version__,
            "description": "A board of Jobs. An id is one segment of a path: percent-encode its slashes.",
        },
        "servers": [{"url": root}],
        "security": [{"token": []}, {}],  # an open server needs none
        "paths": paths,
        "components": {
            "schemas": {"Problem": SCHEMA},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.segments[0] or "board"],
        "description": f"Needs the role {route.role}.",
        "x-role": route.role,
        "parameters": [*_path(route), *map(_parameter, route.parameters)],
        "responses": _answers(route),
    }
    if route.body is not None:
        media = ("application/json", *route.media)
        needed = bool(route.body.get("required"))
        found["requestBody"] = {
            "required": needed,
            "content": {kind: {"schema": route.body} for kind in media},
        }
    return found


def _path(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"{(\w+)}", route.path)
    ]


def _parameter(one: Parameter) -> dict[str, Any]:
    return {
        "name": one.name,
        "in": one.place,
        "required": one.required,
        "description": one.summary,
        "schema": one.schema,
    }


def _answers(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = {str(route.status): {"description": HTTPStatus(route.status).phrase}}
    content: dict[str, Any] = {}
    if route.answer is not None:
        content["application/json"] = {"schema": route.answer}
    if route.streams != "never":
        content["text/event-stream"] = {"schema": {"type": "string"}}
    if content:
        found[str(route.status)]["content"] = content
    for status, description in route.answers.items():
        has_content = content and status != 304
        found[str(status)] = {"description": description} | ({"content": content} if has_content else {})
    found["default"] = {
        "description": "What is wrong, as problem details.",
        "content": {"application/problem+json": {"schema": PROBLEM}},
    }
    return found
