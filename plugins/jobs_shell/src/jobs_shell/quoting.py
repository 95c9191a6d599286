"""Values that an alert fills into a command line, in the form that is safe where each stands.

A note or a line of output may contain anything, and must never become a command.
"""

from __future__ import annotations

import re
import shlex

_STEP = re.compile(
    r"""(?P<refused>`|<<|\$'|\$\{(?!\w+\})|(?:(?<=^)|(?<=[\s;&|()]))\#)|(?P<skipped>\\.|\$\{\w+\})|(?P<quote>['"])|.""",
    re.DOTALL,
)
_STEP_DOUBLE = re.compile(
    r"""(?P<refused>`|\$\(|\$\{(?!\w+\}))|(?P<skipped>\\.|\$\{\w+\})|(?P<quote>")|.""", re.DOTALL
)
_STEP_SINGLE = re.compile(r"(?P<refused>(?!))|(?P<skipped>(?!))|(?P<quote>')|.", re.DOTALL)

_STEPS = {"": _STEP, '"': _STEP_DOUBLE, "'": _STEP_SINGLE}


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
    """Return the quotation mark that is open at the end of the beginning of a line, or nothing."""
    at, opened = 0, ""
    while at < len(before):
        step = _STEPS[opened].match(before, at)
        if step is None or step["refused"] is not None:
            found = (
                "a comment" if step and step["refused"] == "#" else step["refused"] if step else before[at]
            )
            raise ValueError(f"line: a name in braces cannot stand after {found}: put it in `env` instead")
        if step["quote"]:
            opened = "" if opened else step["quote"]
        at = step.end()
    if before.endswith("\\") and opened != "'" and (len(before) - len(before.rstrip("\\"))) % 2:
        raise ValueError("line: a name in braces cannot stand after a backslash: put it in `env` instead")
    return opened
