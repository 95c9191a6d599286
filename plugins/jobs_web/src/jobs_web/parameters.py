"""The fields of a query, as the API and the pages read them: what they may be, in JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.datastructures import QueryParams

from jobs_core import OptionError

Schema = dict[str, Any]
"""A JSON Schema."""

SHOWN = 40
"""Characters that an error quotes of a value."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A field of the query, or a header. A field whose schema is an array may be repeated."""

    name: str
    summary: str
    schema: Schema = field(default_factory=lambda: {"type": "string"})
    required: bool = False
    place: Literal["query", "header"] = "query"


def read_values(known: Iterable[Parameter], given: QueryParams) -> dict[str, Any]:
    """Return the fields of a query with the types of their schemas. Others are left out.

    Raises:
        OptionError: A field is not as its schema says, missing, or there twice.
    """
    found: dict[str, Any] = {}
    for parameter in known:
        name, values = parameter.name, given.getlist(parameter.name)
        if parameter.schema.get("type") == "array" and values:
            found[name] = values
        elif len(values) > 1:
            raise OptionError(f"{name}: expected one value, got {len(values)}", option=name)
        elif values:
            found[name] = _read(name, values[0], parameter.schema)
        elif parameter.required:
            raise OptionError(f"{name}: expected a value, got none", option=name)
    return found


def _read(name: str, text: str, schema: Mapping[str, Any]) -> Any:
    if "enum" in schema and text not in schema["enum"]:
        one_of = "one of " if len(schema["enum"]) > 1 else ""
        raise _unexpected(name, f"{one_of}{', '.join(schema['enum'])}", text)
    if "pattern" in schema and not re.fullmatch(schema["pattern"], text):
        raise _unexpected(name, schema["description"], text)
    match schema.get("type"):
        case "boolean":
            if text not in _SWITCHES:
                raise _unexpected(name, "true or false", text)
            return _SWITCHES[text]
        case "integer" | "number" as kind:
            return _number(name, text, schema, int if kind == "integer" else float)
    return text


_SWITCHES = {"true": True, "1": True, "false": False, "0": False}


def _number(name: str, text: str, schema: Mapping[str, Any], kind: type[int] | type[float]) -> float:
    least, most = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))
    try:
        number = kind(text) if text.isascii() and len(text) < SHOWN else None
    except ValueError:
        number = None
    if number is None or not least <= number <= most or number in (float("inf"), float("-inf")):
        span = f" from {least} to {most}" if "maximum" in schema else f" of at least {least:g}"
        what = "a whole number" if kind is int else "a number"
        raise _unexpected(name, f"{what}{span if 'minimum' in schema else ''}", text)
    return number


def _unexpected(name: str, expected: str, got: str) -> OptionError:
    return OptionError(f"{name}: expected {expected}, got {got[:SHOWN]!r}", option=name)
