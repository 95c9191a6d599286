"""Values that an alert fills into a request, in the form that is safe where each stands."""

from __future__ import annotations

import json
import re
from typing import Literal
from urllib.parse import quote as percent_encoded

from jobs_http.payload import as_header

_NAME = re.compile(r"\{\{?[a-z]+\}\}?")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*("?)', re.DOTALL)
_WHOLE, _OPEN = "\0", "\1"
_JSON = re.compile(rf"\s*(?=[\[{{{_OPEN}])(?:[\[\]{{}},:\s{_WHOLE}]|-?\d[\d.eE+-]*|true|false|null)*{_OPEN}?")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)")


def quote(value: str, key: str, before: str) -> str:
    r"""Return a value that an alert fills into a payload in a form that is safe at its place.

    In the URL, it is percent-encoded, and in headers one line. In a `body` that is JSON up to the value, it
    is escaped within a string, and elsewhere a string of its own, or a number.

    >>> quote("a b&c", "url", ""), quote("a b&c", "json", "")
    ('a%20b%26c', 'a b&c')
    >>> quote("no\nluck", "headers", "")
    'no luck'
    >>> quote('say "hi"', "body", '{"text": "'), quote('say "hi"', "body", "text: ")
    ('say \\"hi\\"', 'say "hi"')
    """
    if key == "url":
        return percent_encoded(value, safe="")
    if key in ("headers", "auth"):
        return as_header(value)
    if key != "body":
        return value
    match _place(before):
        case "string":
            return json.dumps(value, ensure_ascii=False)[1:-1]
        case "value" if not _NUMBER.fullmatch(value):
            return json.dumps(value, ensure_ascii=False)
    return value


def _place(before: str) -> Literal["string", "value", "text"]:
    """Return where a text ends: in a string of JSON, where JSON has a value, or in no JSON.

    After a bracket alone, nobody knows: `[{job}] has failed` is no JSON.
    """
    parts = _STRING.sub(lambda part: _WHOLE if part[1] else _OPEN, _NAME.sub("0", before))
    if not _JSON.fullmatch(parts):
        return "text"
    if parts.endswith(_OPEN):
        return "string"
    return "value" if parts.rstrip().endswith((":", ",")) else "text"
