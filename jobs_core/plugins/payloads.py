"""Payloads against the JSON Schema of their runner, refused in words that quote no value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jobs_core.errors import PayloadError
from jobs_core.types import Payload, Runner


class Schemas:
    """The schemas of runners, each compiled when it is first needed."""

    def __init__(self) -> None:
        self._checks: dict[str, Callable[[Payload], Payload]] = {}

    def check(self, runner: Runner, payload: Payload) -> None:
        """Refuse a payload that its runner's schema refuses. Raises PayloadError."""
        if runner.schema is None:
            return
        import fastjsonschema

        if runner.name not in self._checks:
            self._checks[runner.name] = fastjsonschema.compile(dict(runner.schema), use_default=False)
        try:
            self._checks[runner.name](payload)
        except fastjsonschema.JsonSchemaValueException as error:
            raise PayloadError(f"the {runner.name} runner refuses the payload: {_refusal(error)}") from None


def _refusal(error: Any) -> str:
    """Say what is wrong with a payload by its keys and the schema, never by its values."""
    where = ".".join(str(part) for part in error.path[1:]) or "it"
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
