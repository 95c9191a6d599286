"""The JSON Schema of board files, for editors. It derives from the table of options."""

from __future__ import annotations

from typing import Any

from jobs_core.alerts.options import ALERT_OPTIONS
from jobs_core.boardfile.job import OPTIONS
from jobs_core.options import Option
from jobs_core.schemas import option_schema

_TEXT = {"type": "string"}
_RUNNER = _TEXT | {"description": "the plugin that runs the job, or tells of an alert"}
_PAYLOAD = {"type": ["string", "number", "object"], "description": "the input of the runner"}


def schema() -> dict[str, Any]:
    """Return the schema. Editors find it by a first line `# yaml-language-server: $schema=<file>`."""
    inherited = {"runner": _RUNNER, **{name: _option(option) for name, option in OPTIONS.items()}}
    job = {
        **inherited,
        "payload": _PAYLOAD,
        "group": _TEXT | {"description": "a group to inherit options from"},
    }
    like = {"like": _TEXT | {"description": "another group to inherit options from"}}
    alert = {
        "runner": _RUNNER,
        "payload": _PAYLOAD,
        **{name: _option(option) for name, option in ALERT_OPTIONS.items()},
    }
    board = {
        "jobs": _each(_object(job), "the jobs, by id"),
        "alerts": _each(_object(alert) | {"required": ["runner", "payload", "when"]}, "the alerts, by name"),
        "defaults": _object(inherited) | {"description": "options of all jobs"},
        "groups": _each(_object(inherited | like), "options of the jobs in each group"),
    }
    top = {
        **board,
        "name": _TEXT
        | {
            "minLength": 1,
            "description": "owner of the jobs and alerts on the board (default: the path of the file)",
        },
        "board": _TEXT | {"description": "the board of the jobs and alerts"},
        "boards": _each(_object(board), "several boards, by name"),
        "include": {
            "type": ["string", "array"],
            "items": _TEXT,
            "description": "files to include: paths relative to this file, with * and ?",
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A board file of Jobs",
        **_object(top),
        "patternProperties": {"^x-": True},
    }


def _option(option: Option) -> dict[str, Any]:
    """Return the schema of an option. A runner and its payload may be a mapping, too."""
    found = option_schema(option)
    if option.kind != "call":
        return found
    call = _object({"runner": _RUNNER, "payload": _PAYLOAD}) | {"required": ["runner", "payload"]}
    return call | found | {"type": [*found["type"], "object"]}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _each(value: dict[str, Any], description: str) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": value, "description": description}
