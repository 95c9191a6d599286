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
    value = environ.get(name)
    if kind and value == "":
        value = None
    if value is not None:
        return value
    if kind == "-":
        return str(rest)
    why = f": {rest}" if rest else ""
    raise VariableError(f"the variable {name} is not set in the environment{why}")
