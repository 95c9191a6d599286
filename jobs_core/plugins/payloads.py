"""Check payloads against the JSON Schema of their runner. Errors never quote a value."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from jobs_core.contract import Runner
from jobs_core.errors import OptionError, PayloadError
from jobs_core.options import JOB_OPTIONS, PUSH_OPTIONS
from jobs_core.plugins.schema_rules import broken_rule
from jobs_core.text import shorten
from jobs_core.types import Payload, parse_payload
from jobs_core.values import nearest

LONGEST_KEY = 40
"""Characters of an unknown key that an error shows."""

DEEP = 500
"""Brackets in a payload from which its nesting is checked."""

LIKE_JSON = re.compile(r"""\s*\{(\s*$|\s*"|'|\w+\s*:)""")
"""The beginning of a JSON object, or of what people write for one. A shell's group differs: `{ date; }`."""

_compiled: dict[int, tuple[Any, Callable[[Payload], Payload]]] = {}
"""Compiled schemas, by `id(schema)`. The schema is kept too, so that its id is not reused."""


def check_payload(runner: Runner, payload: Payload, *, show_keys: bool = True) -> None:
    """Check a payload against its runner's schema. Raises PayloadError.

    With `show_keys`, the error may name keys that the schema does not define, such as a header. Set it to
    False for errors that go into the history.
    """
    if runner.schema is None:
        return
    import fastjsonschema

    try:
        _check(runner.schema)(payload)
    except fastjsonschema.JsonSchemaValueException as error:
        path = error.path[1:]
        reason = _reason(error, path if show_keys else _known(path, runner.schema), show_keys=show_keys)
        raise PayloadError(f"invalid payload for the {runner.name} runner: {reason}") from None


def check_fields(schema: Mapping[str, Any], value: Mapping[str, Any]) -> None:
    """Check the fields of a JSON object against a schema that stays the same object.

    Raises:
        OptionError: A field is missing, unknown or invalid. The error names the field, and quotes no value.
    """
    import fastjsonschema

    try:
        _check(schema)(dict(value))
    except fastjsonschema.JsonSchemaValueException as error:
        path = [str(part) for part in error.path[1:]]
        raise OptionError(_reason(error, path, show_keys=True), option=path[0] if path else None) from None


def check_depth(raw: str) -> None:
    """Reject a JSON object that no worker could parse. Raises PayloadError."""
    if raw.count("[") + raw.count("{") < DEEP or not raw.lstrip().startswith("{"):
        return
    try:
        json.loads(raw)
    except RecursionError:
        raise PayloadError("payload: values are nested too deep") from None
    except ValueError:
        return


def payload_warnings(raw: str) -> list[str]:
    """Return a warning about text that is meant to be a JSON object, as it seems, but is none."""
    if not LIKE_JSON.match(raw) or isinstance(parse_payload(raw, None), dict):
        return []
    return ["the payload begins like a JSON object, but is not valid JSON: the runner receives it as text"]


def prepare_schemas(runners: Iterable[Runner]) -> None:
    """Compile the schemas of runners ahead of the first task. An invalid schema fails its tasks later."""
    for runner in runners:
        if runner.schema is not None:
            with suppress(Exception):
                _check(runner.schema)


def _check(schema: Mapping[str, Any]) -> Callable[[Payload], Payload]:
    found = _compiled.get(id(schema))
    if found is None:
        import fastjsonschema

        found = _compiled[id(schema)] = schema, fastjsonschema.compile(dict(schema), use_default=False)
    return found[1]


def _reason(error: Any, path: Iterable[str], *, show_keys: bool) -> str:
    """Describe a schema error by keys and rules, without values."""
    where = ".".join(map(str, path))
    prefix = f"{where}: " if where else ""
    rule = error.rule_definition
    match error.rule:
        case "additionalProperties":
            known = error.definition.get("properties", {})
            key = next(_unknown_keys(error), None) if show_keys else None
            return prefix + _unknown_key(key, known, is_top=not where)
        case "required":
            missing = f"{prefix}missing key {', '.join(key for key in rule if key not in error.value)}"
            misspelled = next(_unknown_keys(error), None) if show_keys else None
            if misspelled is None:
                return missing
            return f"{missing}; {_unknown_key(misspelled, error.definition['properties'], is_top=not where)}"
    return prefix + broken_rule(error.rule, error.definition)


def _unknown_keys(error: Any) -> Iterator[str]:
    """Yield the keys of an object that its schema does not allow."""
    if error.definition.get("additionalProperties") is False:
        yield from (str(key) for key in error.value if key not in error.definition.get("properties", {}))


def _unknown_key(key: str | None, known: Iterable[str], *, is_top: bool) -> str:
    """Describe a key that a schema does not have, with the nearest one that it has."""
    if key is None:
        return f"unknown key, expected one of {', '.join(known)}"
    name = repr(shorten(key, LONGEST_KEY))
    option = key.replace("_", "-")
    if is_top and option in JOB_OPTIONS.keys() | PUSH_OPTIONS.keys():
        return f"unknown key {name}: {option} is an option of the job: --{option}"
    if hint := nearest(key, known):
        return f"unknown key {name}{hint}"
    return f"unknown key {name}, expected one of {', '.join(known)}"


def _known(path: Iterable[str], schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the leading parts of a path that the schema defines. Other keys come from the payload."""
    for part in path:
        if part in schema.get("properties", ()):
            schema = schema["properties"][part]
        elif part.isdigit() and isinstance(schema.get("items"), Mapping):
            schema = schema["items"]
        else:
            return
        yield part
