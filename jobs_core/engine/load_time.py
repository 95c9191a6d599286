"""Find the names in a Lua source, and the global ones outside functions. Redis 7.0 has none at load time."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"--\[\[.*?\]\]|--[^\n]*"  # comments, which have no group, so that they are ignored
    r"|(?P<token>\[\[.*?\]\]|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|[A-Za-z_]\w*|\d[\w.]*|\.\.\.?|[^\s\w])",
    re.DOTALL,
)
_KEYWORDS = frozenset(
    (
        *("and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in", "local"),
        *("nil", "not", "or", "repeat", "return", "then", "true", "until", "while"),
    )
)
_OPENING = frozenset(("do", "for", "function", "repeat", "then", "while"))
_CLOSING = frozenset(("elseif", "end", "until"))


def used_names(text: str) -> Iterator[str]:
    """Yield each name that a source declares or uses, except fields."""
    tokens = _tokens(text)
    for at, token in enumerate(tokens):
        if token in ("local", "for"):
            yield from _declared(tokens, at + 1)
        elif _is_name(token) and not _is_field(tokens, at):
            yield token


def global_names(text: str) -> Iterator[str]:
    """Yield the names that a source reads or sets outside functions without defining them.

    >>> list(global_names("local size = math.huge\\nlocal function f() return string.rep('x', size) end"))
    ['math']
    """
    tokens = _tokens(text)
    local: set[str] = set()
    for at in _outside_functions(tokens):
        token = tokens[at]
        if token in ("local", "for"):
            local |= _declared(tokens, at + 1)
        elif token == "function":
            at += 1  # the function's name, if it has one
        if _is_name(tokens[at]) and tokens[at] not in local and not _is_field(tokens, at):
            yield tokens[at]


def _tokens(text: str) -> list[str]:
    return [match["token"] for match in _TOKEN.finditer(without_shebang(text)) if match["token"]]


def _outside_functions(tokens: list[str]) -> Iterator[int]:
    """Yield the indexes of the tokens that run while the source loads, including each `function`."""
    blocks: list[str] = []
    for at, token in enumerate(tokens):
        if "function" not in blocks:
            yield at
        if token in _CLOSING:
            blocks.pop()
        elif token in _OPENING and not (token == "do" and blocks and blocks[-1] in ("for", "while")):
            blocks.append(token)


def _declared(tokens: list[str], at: int) -> set[str]:
    """Return the names in `local a, b = …`, `local function a` or `for a, b in …`. `at` is the first one."""
    if tokens[at] == "function":
        return {tokens[at + 1]}
    names = {tokens[at]}
    while tokens[at + 1] == ",":
        at += 2
        names.add(tokens[at])
    return names


def _is_name(token: str) -> bool:
    return token.isidentifier() and token not in _KEYWORDS


def _is_field(tokens: list[str], at: int) -> bool:
    """Return whether a name is a field: after a dot, or as a key in a table."""
    before, after = tokens[at - 1] if at else "", tokens[at + 1] if at + 1 < len(tokens) else ""
    return before in (".", ":") or (after == "=" and before in ("{", ",", ";"))


def without_shebang(text: str) -> str:
    """Return a source without its shebang line."""
    return re.sub(r"\A#![^\n]*", "", text)
