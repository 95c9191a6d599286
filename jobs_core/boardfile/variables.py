"""Variables in board files: `${NAME}`, `${NAME:-default}`, `${NAME:?message}`. `$$` is a dollar sign."""

from __future__ import annotations

import re
from collections.abc import Mapping

_VARIABLE = re.compile(r"\$\$|\$\{([^}]*)\}")
_NAME = re.compile(r"([A-Za-z_]\w*)(?::([-?])(.*))?", re.DOTALL)


class VariableError(ValueError):
    """A variable that is not set or has a wrong form. The text quotes no value."""


def expand(text: str, environ: Mapping[str, str]) -> str:
    """Replace variables with their values. A plain `$name` stays, for the shell.

    Raises:
        VariableError: A variable is not set, or has a wrong form.

    >>> expand("pg_dump ${DB:-app} > $HOME/$$", {})
    'pg_dump app > $HOME/$'
    """
    return _VARIABLE.sub(lambda found: _value(found, environ), text) if "$" in text else text


def used_variables(text: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a text uses, with their values.

    >>> used_variables("${A} ${B:-b}", {"A": "1", "C": "3"})
    {'A': '1'}
    """
    names = (_NAME.match(found[1] or "") for found in _VARIABLE.finditer(text))
    return {name[1]: environ[name[1]] for name in names if name and environ.get(name[1])}


def mask(sentence: str, variables: Mapping[str, str]) -> str:
    """Replace the values of variables in a sentence, since they may be secrets.

    >>> mask("cron '0 9 x': hour 'x' is not understood", {"HOURS": "9 x"})
    "cron '0 ${HOURS}': hour '…' is not understood"
    """
    for name, value in variables.items():
        sentence = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", f"${{{name}}}", sentence)

    def hide(quoted: re.Match[str]) -> str:
        return "'…'" if any(quoted[1] in value for value in variables.values()) else quoted[0]

    return re.sub(r"'([^']+)'", hide, sentence)


def escape(text: str) -> str:
    """Escape a text so that `expand` returns it unchanged.

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
            "expected ${NAME}, ${NAME:-default} or ${NAME:?message}; write $${ for a literal ${"
        )
    name, kind, rest = match.groups()
    if "${" in (rest or ""):
        raise VariableError(f"the default or message of the variable {name} cannot contain a variable")
    value = environ.get(name)
    if kind and value == "":
        value = None
    if value is not None:
        return value
    if kind == "-":
        return str(rest)
    message = f": {rest}" if rest else ""
    raise VariableError(f"the variable {name} is not set in the environment{message}")
