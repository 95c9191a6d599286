"""Lines of JSON on standard input and in dumps."""

from __future__ import annotations

import json
from typing import Any

from tests.corpus import Bad

GOOD = {"id": "a", "runner": "console", "payload": "x"}

LINES: list[tuple[Any, str]] = [
    ("{oops", "expected a JSON object"),
    ("5", "expected a JSON object"),
    ("[1]", "expected a JSON object"),
    ("null", "expected a JSON object"),
    ('"x"', "expected a JSON object"),
    ("{}", "missing"),
    ("[" * 3000, "expected a JSON object"),
    ('{"a": NaN', "expected a JSON object"),
    (b'{"id": "\xff", "runner": "console", "payload": "x"}', "UTF-8"),
    ({"id": None}, "id"),
    ({"id": 5}, "id"),
    ({"id": "a b"}, "id"),
    ({"id": "a,b"}, "id"),
    ({"id": ["a"]}, "id"),
    ({"id": "x" * 300}, "id"),
    ({"runner": None}, "runner"),
    ({"runner": 5}, "runner"),
    ({"runner": "nope"}, "runner"),
    ({"runner": ""}, "runner"),
    ({"payload": 5}, "payload"),
    ({"payload": ["s3cret"]}, "payload"),
    ({"payload": None}, "payload"),
    ({"payload": True}, "payload"),
    ({"runner": "shell", "payload": {"line": 5}}, "line: expected type string"),
    ({"runner": "shell", "payload": {"lin": "s3cret"}}, "did you mean 'line'?"),
    ({"evry": 5}, "evry"),
    ({"every": "x"}, "every"),
    ({"every": True}, "every"),
    ({"every": [5]}, "every"),
    ({"timeout": "-1"}, "timeout"),
    ({"attempts": 1.5}, "attempts"),
    ({"priority": 99}, "priority"),
    ({"queue": "a b"}, "queue"),
    ({"after": ["p,q"]}, "after"),
    ({"cron": "60 * * * *"}, "cron"),
    ({"cron": 5}, "cron"),
    ({"zone": "Europe/Brusels", "cron": "@daily"}, "zone"),
    ({"at": "x"}, "at"),
    ({"retry-on": [True]}, "retry-on"),
    ({"paused": [1]}, "paused"),
    ({"description": {"a": 1}}, "description"),
]

TASKS: list[tuple[dict[str, Any], str]] = [
    ({"runner": 5, "payload": "x"}, "runner: expected text, got a number"),
    ({"runner": "shell", "payload": None}, "payload: the runner 'shell' needs one"),
    ({"runner": "shell"}, "payload: the runner 'shell' needs one"),
    ({"id": 5}, "id: expected text, got a number"),
    ({"id": "a", "payload": "x"}, "payload: a job has its own"),
    ({"id": "a", "runner": "shell"}, "runner: a job has its own"),
]


def text(value: Any) -> str | bytes:
    return json.dumps(GOOD | value) if isinstance(value, dict) else value


CASES = [
    *(Bad("put -S", says, input=text(value)) for value, says in LINES),
    *(
        Bad("create -S --timeout 5", says, input=text(value))
        for value, says in LINES
        if not isinstance(value, dict)
    ),
    *(Bad("load", says, input=text(value)) for value, says in LINES),
    *(Bad("load FILE", says, files={"dump": text(value)}) for value, says in LINES[:20]),
    *(
        Bad("push -S", says, input=text(value).replace('"id": "a", ', ""))  # type: ignore[arg-type]
        for value, says in LINES
        if not isinstance(value, bytes)
        and not (isinstance(value, dict) and {"id", "every", "cron", "paused", "after"} & value.keys())
        and value not in ("{}", {"description": {"a": 1}})
    ),
    *(Bad("push -S", f"line 2: {says}", input=f"\n{json.dumps(task)}") for task, says in TASKS),
    Bad("load FILE", "missing"),
    Bad("load DIR", ""),
]
