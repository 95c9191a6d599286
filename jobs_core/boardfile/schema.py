"""The JSON Schema of board files, for editors. It derives from the table of options."""

from __future__ import annotations

from typing import Any

from jobs_core.boardfile.job import OPTIONS
from jobs_core.options import JOB_OPTIONS
from jobs_core.schemas import option_schema

_TEXT = {"type": "string"}


def schema() -> dict[str, Any]:
    """Return the schema. Editors find it by a first line `# yaml-language-server: $schema=<file>`."""
    options = {name: option_schema(JOB_OPTIONS[name]) for name in OPTIONS}
    inherited = {"runner": _TEXT | {"description": "the plugin that runs the job"}, **options}
    job = {
        **inherited,
        "payload": {"type": ["string", "number", "object"], "description": "the input of the runner"},
        "group": _TEXT | {"description": "a group to inherit options from"},
    }
    like = {"like": _TEXT | {"description": "another group to inherit options from"}}
    board = {
        "jobs": _each(_object(job), "the jobs, by id"),
        "defaults": _object(inherited) | {"description": "options of all jobs"},
        "groups": _each(_object(inherited | like), "options of the jobs in each group"),
    }
    top = {
        **board,
        "name": _TEXT
        | {"minLength": 1, "description": "owner of the jobs on the board (default: the path of the file)"},
        "board": _TEXT | {"description": "the board of the jobs"},
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


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _each(value: dict[str, Any], description: str) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": value, "description": description}
