"""Payloads against the JSON Schema of their runner, refused in words that quote no value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from jobs_core.contract import Runner
from jobs_core.errors import PayloadError
from jobs_core.types import Payload

_compiled: dict[int, tuple[Any, Callable[[Payload], Payload]]] = {}
"""What a schema was compiled to, by the id of the schema, which is kept so that its id stays its own."""


def check_payload(runner: Runner, payload: Payload, *, show_keys: bool = True) -> None:
    """Refuse a payload that its runner's schema refuses. Raises PayloadError.

    Its sentence names keys of the payload that the schema does not, such as a header, if `show_keys` is true:
    for whoever puts the job, and not for its history.
    """
    if runner.schema is None:
        return
    import fastjsonschema

    try:
        _check(runner.schema)(payload)
    except fastjsonschema.JsonSchemaValueException as error:
        path = error.path[1:]
        says = _refusal(error, path if show_keys else _known(path, runner.schema))
        raise PayloadError(f"the {runner.name} runner refuses the payload: {says}") from None


def prepare_schemas(runners: Iterable[Runner]) -> None:
    """Compile the schemas of runners, so that no task waits for it. One that is broken fails its tasks."""
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


def _refusal(error: Any, path: Iterable[str]) -> str:
    """Say what is wrong with a payload by its keys and the schema, never by its values."""
    where = ".".join(map(str, path)) or "it"
    rule = error.rule_definition
    match error.rule:
        case "additionalProperties":
            known = ", ".join((error.definition or {}).get("properties", {}))
            return f"{where} has a key that is not one of {known}"
        case "type":
            return f"{where} must be of type {rule}"
        case "required":
            return f"{where} needs {', '.join(rule)}"
        case "enum":
            return f"{where} must be one of {', '.join(map(str, rule))}"
    return f"{where} breaks the rule {error.rule} ({rule})"


def _known(path: Iterable[str], schema: Mapping[str, Any]) -> Iterator[str]:
    """The beginning of a path that the schema names: the others are the payload's own."""
    for part in path:
        if part in schema.get("properties", ()):
            schema = schema["properties"][part]
        elif part.isdigit() and isinstance(schema.get("items"), Mapping):
            schema = schema["items"]
        else:
            return
        yield part
