"""Values that an alert fills into commands, in the form that is safe where each stands.

A note or a line of output may contain anything, and must never become a command. Programs that only use
their arguments as text get a value as it is. For all others, characters that any shell or language could read
as more than text are replaced by their wide forms. Where even a plain word could become a command, a value is
refused.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

TEXT_PROGRAMS = frozenset(
    (
        *("[", "curl", "echo", "logger", "mail", "mailx", "notify-send", "ntfy", "printf", "sendmail"),
        *("tee", "test", "wall", "wget", "write"),
    )
)
"""Programs that read nothing in their arguments as a command or a program."""

_READERS = "eval|let|ssh|rsh|mosh|autossh|su|runuser|watch|parallel|trap|alias"
_SHELLS = "(?:ba|da|k|mk|z|c|tc|fi|a|rba)?sh"
_LANGUAGES = r"python[\d.]*|perl|ruby|node|php|osascript"
_WRAPPERS = r"\$SHELL|\$\{SHELL\}|script|flock|env|sudo"
_CODE = "-[A-Za-z]*[cerES]"
"""Options of these after which comes a program: bash -ec, perl -e, php -r, env -S."""

_BARE = re.compile(
    rf"""(?P<refused>`|<<|\$'|\$\[|\$\{{(?!\w+\}})|(?:(?<=^)|(?<=[\s;&|()]))\#)
    |(?P<skipped>\\.)
    |(?P<closed>\)\)|\]\]|[;&|\n])
    |(?P<reread>\(\(|\[\[
        |(?<![\w.-])(?:{_READERS})(?=\s)
        |(?<![\w.-])(?:{_SHELLS}|{_LANGUAGES}|{_WRAPPERS})(?:\s+[^\s;&|'"]+)*?\s+{_CODE}(?=[\s'"]))
    |(?P<known>\$\{{\w+\}})
    |(?P<quote>['"])
    |.""",
    re.DOTALL | re.VERBOSE,
)
_DOUBLE = re.compile(
    r"""(?P<refused>`|\$\(|\$\[|\$\{(?!\w+\}))
    |(?P<skipped>\\.)
    |(?P<known>\$\{\w+\})
    |(?P<quote>")
    |.""",
    re.DOTALL | re.VERBOSE,
)
_SINGLE = re.compile(r"""(?P<quote>')|.""", re.DOTALL)

_STEPS = {"": _BARE, '"': _DOUBLE, "'": _SINGLE}

_CLOSES = {"((": "))", "[[": "]]"}
"""What ends a place where a shell reads values once more; for others it is the end of the command."""

_PROGRAM = re.compile(r"\s*(?:(?:if|then|elif|else|while|until|do|!|\{|time)\s+)*([\w./\[-]+)\s")
"""The program of a command, after the words that may stand before one."""

_WORDS = re.compile(rf"(?:{_READERS})")
_PROGRAMS = re.compile(rf"(?:{_SHELLS}|{_LANGUAGES}|{_WRAPPERS}|busybox|xargs)")

_HARMLESS = {code: code + 0xFEE0 for code in map(ord, "!\"#$&'()*;<>?[\\]^`{|}~")}
"""The wide forms of the characters that a shell or a language may read as more than text."""


def quote(value: str, key: str, before: str) -> str:
    r"""Return a value in the form that is safe at its place in a payload.

    In a command line, that is one word, or a part of the quoted text it stands in. In `env` and `input`, no
    shell reads it, and it stays as it is.

    Raises:
        ValueError: The place is one where no form is surely safe, such as after a backquote.

    >>> print(quote("it's", "line", "echo "), quote("it's", "line", "echo '"), quote("$x", "line", 'echo "'))
    'it'"'"'s' it'\''s \$x
    >>> quote("$(x)", "argv", "./page\0")
    '$(x)'
    """
    if key == "argv":
        return _in_argv(value, before)
    if key != "line":
        return value
    value = value.replace("\0", "")
    place = _place_of(before)
    if not place.is_text:
        value = harmless(value)
    if place.opened == "'":
        return value.replace("'", "'\\''")
    if place.opened == '"':
        return re.sub(r'[\\$`"]', r"\\\g<0>", value)
    return shlex.quote(value)


def harmless(value: str) -> str:
    r"""Return a value as one line that no shell or language reads as more than plain words.

    >>> harmless("rm;  ls") == "rm\uff1b ls"
    True
    """
    line = " ".join(value.split()).translate(_HARMLESS)
    first = line[:1]
    return chr(ord(first) + 0xFEE0) + line[1:] if first in ("-", "@", "+", "=") and first else line


def _in_argv(value: str, before: str) -> str:
    """Return a value for a list of arguments, given those before it, each with a NUL at its end."""
    *earlier, text = before.split("\0")
    names = [one.rpartition("/")[2] for one in earlier]
    reader = next((name for name in names if _WORDS.fullmatch(name)), None)
    if reader:
        raise _refused("argv", f"{reader}, which reads it once more")
    if not any(_PROGRAMS.fullmatch(name) for name in names):
        return value
    if not text and re.fullmatch(_CODE, earlier[-1]):
        raise _refused("argv", f"{earlier[-1]}, as a program")
    return harmless(value) if text else value


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands in a line.

    `opened` is the quotation mark that is open there. `is_text` is set if it is an argument of a program that
    only uses it as text.
    """

    opened: str
    is_text: bool


def _place_of(before: str) -> _Place:
    """Return the place at the end of the beginning of a line.

    Raises ValueError where a value would be read as more than text.
    """
    at, opened, reread, last = 0, "", "", ""
    start, depth = 0, 0
    while at < len(before):
        step = _STEPS[opened].match(before, at)
        assert step is not None  # each ends with any character
        found = step.groupdict()
        last, at = step[0], step.end()
        if found.get("refused"):
            raise _refused("line", "a comment" if last == "#" else last)
        if found.get("quote"):
            opened = "" if opened else last
        elif found.get("reread"):
            reread = reread or last
        elif found.get("closed"):
            if last == _CLOSES.get(reread) or (reread not in _CLOSES and len(last) == 1):
                reread = ""
            start = at
        elif not opened and last in ("(", ")"):
            depth += 1 if last == "(" else -1
    if reread:
        raise _refused("line", f"{reread.split()[0]}, which reads it once more")
    if opened != "'" and last in ("$", "\\"):
        raise _refused("line", "a backslash" if last == "\\" else "$: write {name}, not ${name}, or")
    program = _PROGRAM.match(before, start)
    is_text = program is not None and program[1].rpartition("/")[2] in TEXT_PROGRAMS and depth == 0
    return _Place(opened, is_text)


def _refused(key: str, place: str) -> ValueError:
    joint = "" if place.endswith("or") else ":"
    return ValueError(f"{key}: a name in braces cannot stand after {place}{joint} put it in `env` instead")
