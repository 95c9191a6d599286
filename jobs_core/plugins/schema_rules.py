"""The rules of JSON Schema in plain words, without values of a payload."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def broken_rule(name: str, definition: Mapping[str, Any]) -> str:
    """Say what a value that breaks a rule of its schema must be.

    >>> broken_rule("minLength", {"minLength": 1, "description": "Command line for the shell"})
    'must not be empty (Command line for the shell)'
    """
    rule = definition.get(name)
    sentence = _SENTENCES[name](rule, definition) if name in _SENTENCES else "is not what its runner expects"
    description = definition.get("description")
    return f"{sentence} ({description})" if description and name != "type" else sentence


def _type(rule: Any, definition: Mapping[str, Any]) -> str:
    return f"expected type {rule if isinstance(rule, str) else _any_of(rule)}"


def _any_of(words: Any) -> str:
    *first, last = map(str, words)
    return f"{', '.join(first)} or {last}" if first else last


def _at_least(unit: str) -> Callable[[Any, Mapping[str, Any]], str]:
    def sentence(rule: Any, definition: Mapping[str, Any]) -> str:
        if rule == 1:
            return "must not be empty"
        if unit == "items" and definition.get("maxItems") == rule:
            return f"expected {rule} items"
        return f"expected at least {rule} {unit}"

    return sentence


def _at_most(unit: str) -> Callable[[Any, Mapping[str, Any]], str]:
    def sentence(rule: Any, definition: Mapping[str, Any]) -> str:
        if unit == "items" and definition.get("minItems") == rule:
            return f"expected {rule} items"
        return f"expected at most {rule} {unit}"

    return sentence


def _range(rule: Any, definition: Mapping[str, Any]) -> str:
    least, most = definition.get("minimum"), definition.get("maximum")
    if least is not None and most is not None:
        return f"expected a number from {least} to {most}"
    return "expected a number of at " + (f"least {least}" if most is None else f"most {most}")


def _pattern(rule: Any, definition: Mapping[str, Any]) -> str:
    if "description" in definition:
        return "does not have the expected form"
    return f"expected text that matches {rule}"


_SENTENCES: Mapping[str, Callable[[Any, Mapping[str, Any]], str]] = {
    "type": _type,
    "enum": lambda rule, _: f"expected one of {', '.join(map(str, rule))}",
    "const": lambda rule, _: f"expected {rule}",
    "minLength": _at_least("characters"),
    "maxLength": _at_most("characters"),
    "minItems": _at_least("items"),
    "maxItems": _at_most("items"),
    "minProperties": _at_least("keys"),
    "maxProperties": _at_most("keys"),
    "uniqueItems": lambda *_: "expected items that all differ",
    "contains": lambda *_: "lacks an item that its runner expects",
    "minimum": _range,
    "maximum": _range,
    "exclusiveMinimum": lambda rule, _: f"expected a number above {rule}",
    "exclusiveMaximum": lambda rule, _: f"expected a number below {rule}",
    "multipleOf": lambda rule, _: f"expected a multiple of {rule}",
    "pattern": _pattern,
    "format": lambda rule, _: f"expected text in the format {rule}",
    "anyOf": lambda *_: "has none of the forms that are allowed",
    "oneOf": lambda *_: "must have exactly one of the forms that are allowed",
    "not": lambda *_: "has a form that is not allowed",
    "dependencies": lambda *_: "has a key that needs another key beside it",
    "propertyNames": lambda *_: "has a key with a name that is not allowed",
}
