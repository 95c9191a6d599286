"""Values that alerts fill into requests."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jobs_http.quoting import quote

HOSTILE = 'a "quoted" \\ note\n{"with": [JSON]}\t\x00\N{SNOWMAN}'


VALUES = {"job": "nightly", "note": HOSTILE, "count": "3", "task": ""}


def filled(body: str) -> str:
    """Fill an alert's body as a worker does."""

    def fill(found: re.Match[str]) -> str:
        if found[1]:
            return "{" + found[2] + "}"
        return quote(VALUES[found[2]], "body", body[: found.start()])

    return re.sub(r"\{(\{)?(job|note|count|task)\}(?(1)\})", fill, body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"text": "{note}"}', {"text": HOSTILE}),
        ('{"a": "{job}: {note}", "b": ["x", "{note}"]}', {"a": f"nightly: {HOSTILE}", "b": ["x", HOSTILE]}),
        (
            '\n[{"n": 1.5e3, "ok": true, "t": "say \\"{note}\\""}]',
            [{"n": 1500, "ok": True, "t": f'say "{HOSTILE}"'}],
        ),
        ('{"count": {count}, "note": {note}, "task": {task}}', {"count": 3, "note": HOSTILE, "task": ""}),
        ("[{count}, {note}]", [3, HOSTILE]),
        ('{"{job}": {}, "text": "{note}"}', {"nightly": {}, "text": HOSTILE}),
        ('{"text": "{{note}} is {note}"}', {"text": f"{{note}} is {HOSTILE}"}),
        ('"{note}"', HOSTILE),
    ],
)
def test_a_body_that_is_json_stays_json(body: str, expected: Any) -> None:
    assert json.loads(filled(body)) == expected


@pytest.mark.parametrize(
    "body",
    [
        "{note}",
        "{job}: {note}",
        "[jobs] {note}",
        "[{job}] {note}",
        "[2026] {note}",
        "text={note}",
        '"nightly" says {note}',
        "{not json} {note}",
        "see: {note}",
    ],
)
def test_other_bodies_have_values_as_they_are(body: str) -> None:
    assert filled(body) == body.replace("{note}", HOSTILE).replace("{job}", "nightly")


def test_other_keys_have_values_as_they_are() -> None:
    assert quote(HOSTILE, "json", '{"a": "') == HOSTILE
    assert quote("a/b?c", "url", "http://x/") == "a%2Fb%3Fc"
