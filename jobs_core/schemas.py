"""The JSON Schema of options, from the table of options."""

from __future__ import annotations

from typing import Any

from jobs_core.options import Option

_TEXT = {"type": "string"}
_KINDS: dict[str, Any] = {
    "duration": {"type": ["string", "number"]},
    "time": {"type": ["string", "number"]},
    "count": {"type": ["integer", "string"]},
    "factor": {"type": ["number", "string"]},
    "jobs": {"type": ["string", "array"], "items": _TEXT},
    "conditions": {"type": ["string", "array"], "items": _TEXT},
    "scope": {"type": ["string", "array"], "items": _TEXT},
    "flag": {"type": ["boolean", "string"]},
    "rules": {"type": ["string", "array"], "items": _TEXT},
    "codes": {"type": ["string", "integer", "array"], "items": {"type": ["string", "integer"]}},
    "labels": {
        "type": ["string", "array", "object"],
        "items": _TEXT,
        "additionalProperties": {"type": ["string", "number", "null"]},
    },
    "backoff": {"type": ["string", "number", "array"], "items": {"type": ["string", "number"]}},
}


def option_schema(option: Option) -> dict[str, Any]:
    """Return the schema of an option's value. None is a value of every option: it is not given."""
    if option.name == "paused":
        return {"type": ["boolean", "integer", "null"], "description": "do not schedule the job"}
    if option.choices:
        return {"enum": [*option.choices, None], "description": option.summary}
    kind = _KINDS.get(option.kind, _TEXT)
    types = [kind["type"]] if isinstance(kind["type"], str) else kind["type"]
    return {**kind, "type": [*types, "null"], "description": option.summary}
