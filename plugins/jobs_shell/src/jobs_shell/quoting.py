"""Values that an alert fills into a command line, in the form that is safe where each stands.

A note or a line of output may contain anything, and must never become a command.
"""

from __future__ import annotations

import re
import shlex

_BARE = re.compile(
    r"""(?P<refused>`|<<|\$'|\$\[|\$\{(?!\w+\})|(?:(?<=^)|(?<=[\s;&|()]))\#)
    |(?P<skipped>\\.|\$\{\w+\})
    |(?P<closed>\)\)|\]\]|[;&|\n])
    |(?P<reread>\(\(|\[\[|(?<![\w.-])(?:(?:eval|let|ssh|su)(?=\s)|(?:ba|da|k|z)?sh\s+(?:-\w+\s+)*-\w*c(?=\s)))
    |(?P<quote>['"])
    |.""",
    re.DOTALL | re.VERBOSE,
)
_DOUBLE = re.compile(
    r"""(?P<refused>`|\$\(|\$\[|\$\{(?!\w+\}))|(?P<skipped>\\.|\$\{\w+\})|(?P<quote>")|.""", re.DOTALL
)
_SINGLE = re.compile(r"""(?P<quote>')|.""", re.DOTALL)

_STEPS = {"": _BARE, '"': _DOUBLE, "'": _SINGLE}

_CLOSES = {"((": "))", "[[": "]]"}
"""What ends a place where a shell reads values once more; for others it is the end of the command."""


def quote(value: str, key: str, before: str) -> str:
    r"""Return a value in the form that is safe at its place in a payload.

    In a command line, that is one word, or a part of the quoted text it stands in. Elsewhere, no shell reads
    it.

    Raises:
        ValueError: The place is one where no form is surely safe, such as after a backquote.

    >>> quote("it's", "line", "echo "), quote("it's", "line", "echo '"), quote("$(x)", "line", 'echo "')
    ("'it'\"'\"'s'", "it'\\''s", '\\$(x)')
    >>> quote("it's", "argv", "")
    "it's"
    """
    if key != "line":
        return value
    value = value.replace("\0", "")
    opened = _open_quote(before)
    if opened == "'":
        return value.replace("'", "'\\''")
    if opened == '"':
        return re.sub(r'[\\$`"]', r"\\\g<0>", value)
    return shlex.quote(value)


def _open_quote(before: str) -> str:
    """Return the quotation mark that is open at the end of the beginning of a line, or nothing.

    Raises ValueError where a value would be read as more than text.
    """
    at, opened, reread, last = 0, "", "", ""
    while at < len(before):
        step = _STEPS[opened].match(before, at)
        assert step is not None  # each ends with any character
        found = step.groupdict()
        last, at = step[0], step.end()
        if found.get("refused"):
            raise _refused("a comment" if last == "#" else last)
        if found.get("quote"):
            opened = "" if opened else last
        elif found.get("reread"):
            reread = reread or last
        elif found.get("closed") and (
            last == _CLOSES.get(reread) or (reread not in _CLOSES and len(last) == 1)
        ):
            reread = ""
    if reread:
        raise _refused(f"{reread}, which reads it once more")
    if opened != "'" and last in ("$", "\\"):
        raise _refused("a backslash" if last == "\\" else "$: write {name}, not ${name}, or")
    return opened


def _refused(place: str) -> ValueError:
    joint = "" if place.endswith("or") else ":"
    return ValueError(f"line: a name in braces cannot stand after {place}{joint} put it in `env` instead")
