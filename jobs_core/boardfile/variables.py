"""Variables in a board file's values: `${NAME}`, `${NAME:-default}`, `${NAME:?why}`; `$$` is a dollar."""

from __future__ import annotations

import re
from collections.abc import Mapping

_VARIABLE = re.compile(r"\$\$|\$\{([^}]*)\}")
_NAME = re.compile(r"([A-Za-z_]\w*)(?::([-?])(.*))?", re.DOTALL)


class VariableError(ValueError):
    """A variable that is not set, or not understood: one sentence, which quotes no value."""


def expand(text: str, environ: Mapping[str, str]) -> str:
    """Put variables of the environment in their places. A bare `$name` stays: it is the shell's.

    Raises VariableError.

    >>> expand("pg_dump ${DB:-app} > $HOME/$$", {})
    'pg_dump app > $HOME/$'
    """
    return _VARIABLE.sub(lambda found: _value(found, environ), text) if "$" in text else text


def used(text: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of the environment that a text names, with their values.

    >>> used("${A} ${B:-b}", {"A": "1", "C": "3"})
    {'A': '1'}
    """
    names = (_NAME.match(found[1] or "") for found in _VARIABLE.finditer(text))
    return {name[1]: environ[name[1]] for name in names if name and environ.get(name[1])}


def veil(sentence: str, variables: Mapping[str, str]) -> str:
    """Take out of a sentence what came from variables: it may be a secret.

    >>> veil("cron '0 9 x': hour 'x' is not understood", {"HOURS": "9 x"})
    "cron '0 ${HOURS}': hour '…' is not understood"
    """
    for name, value in variables.items():
        sentence = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", f"${{{name}}}", sentence)

    def hidden(quoted: re.Match[str]) -> str:
        return "'…'" if any(quoted[1] in value for value in variables.values()) else quoted[0]

    return re.sub(r"'([^']+)'", hidden, sentence)


def escape(text: str) -> str:
    """Write a text so that `expand` gives it back.

    >>> escape("echo ${HOME} $HOME")
    'echo $${HOME} $HOME'
    """
    return re.sub(r"\$(?=[${])", "$$", text)


def _value(found: re.Match[str], environ: Mapping[str, str]) -> str:
    if found[0] == "$$":
        return "$"
    match = _NAME.fullmatch(found[1])
    if match is None:
        raise VariableError(
            "a variable is ${NAME}, ${NAME:-default} or ${NAME:?why}; write $${ for ${ itself"
        )
    name, kind, rest = match.groups()
    if "${" in (rest or ""):
        raise VariableError(f"what stands in for the variable {name} cannot have a variable in it")
    value = environ.get(name)
    if kind and value == "":
        value = None
    if value is not None:
        return value
    if kind == "-":
        return str(rest)
    why = f": {rest}" if rest else ""
    raise VariableError(f"the variable {name} is not set in the environment{why}")
