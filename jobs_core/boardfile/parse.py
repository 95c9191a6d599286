"""Parse YAML and TOML into nodes."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable
from typing import Any

import yaml

from jobs_core.boardfile.model import Problem, Where
from jobs_core.boardfile.node import Node

ALIASES = 4
"""Values per character that a document may have once its aliases are expanded."""

MAX_DEPTH = 20
"""How deep values may be nested."""

TOO_DEEP = f"values are nested more than {MAX_DEPTH} levels deep"

SPECIAL = tuple("*&@`%!|>")
"""Characters with a meaning of their own at the beginning of a value."""

COLON = "unexpected ': '; put a value that contains one in quotes, and check the indentation"

_TAG = "tag:yaml.org,2002:"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAGS = ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "value")
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,99})")
_FLOAT = re.compile(r"[-+]?[0-9]+\.[0-9]*([eE][-+]?[0-9]+)?")


class ParseError(Exception):
    """A document that cannot be parsed. `problem` says why, with the location."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def parse(text: str, file: str, *, toml: bool) -> Node:
    """Parse a document.

    Raises:
        ParseError: The document cannot be parsed.
    """
    return _toml(text, file) if toml else _yaml(text, file)


def _yaml(text: str, file: str) -> Node:
    try:
        _check_depth(text, file)
        root = yaml.compose(text, _LOADER)
        if root is None:
            return Node(None, Where(file, 1, 1))
        return _Yaml(file, 1000 + ALIASES * len(text)).node(root, 0)
    except yaml.MarkedYAMLError as error:
        raise ParseError(_yaml_problem(error, text, file)) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ParseError(Problem(Where(file), f"invalid YAML: {_first_line(error)}")) from None


def _yaml_problem(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    """Return what is wrong with a document, and what to do about it where that is known."""
    mark = error.problem_mark
    if mark is None:
        return Problem(Where(file), f"invalid YAML: {error.problem}")
    where = Where(file, mark.line + 1, mark.column + 1)
    # libyaml 0.2.6 and later has its own limit, and may meet it before _check_depth does.
    if error.problem == "exceeded maximum nesting depth":
        return Problem(where, TOO_DEEP)
    line = (text.split("\n")[mark.line : mark.line + 1] or [""])[0]
    if line[mark.column : mark.column + 1] == "\t":
        return Problem(where, "invalid YAML: indentation has a tab; use spaces, not tabs")
    if str(error.problem).startswith("found undefined alias"):
        return Problem(where, "invalid YAML: found undefined alias; put text that begins with * in quotes")
    # The mark is at the special character or, while it reads a name, after it.
    for column in (mark.column, mark.column - 1):
        if line[max(column, 0) : column + 1] in SPECIAL:
            sentence = f"invalid YAML: a value cannot begin with {line[column]}; put it in quotes"
            return Problem(Where(file, mark.line + 1, column + 1), sentence)
    if error.problem == "mapping values are not allowed in this context":
        return Problem(where, f"invalid YAML: {COLON}")
    return Problem(where, f"invalid YAML: {error.problem}")


def _check_depth(text: str, file: str) -> None:
    """Reject deep nesting before PyYAML recurses, since its C code would crash the process."""
    depth = 0
    for event in yaml.parse(text, _LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH + 1:
                raise ParseError(Problem(_where(file, event), TOO_DEEP))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _where(file: str, found: Any) -> Where:
    """Return the location of a node or an event of PyYAML."""
    return Where(file, found.start_mark.line + 1, found.start_mark.column + 1)


class _Yaml:
    """Converts nodes of PyYAML, which keep the source text of each value.

    A value is a number, true, false or null only if it is one in JSON, too. YAML would also read 1:30 as 90,
    `on` as true, and 2026-12-01 as a date.
    """

    def __init__(self, file: str, most: int) -> None:
        self._file = file
        self._left = most

    def node(self, found: Any, depth: int) -> Node:
        where = _where(self._file, found)
        self._left -= 1
        if self._left < 0:
            raise ParseError(Problem(where, "the file is too large once its aliases are expanded"))
        if depth > MAX_DEPTH:
            raise ParseError(Problem(where, TOO_DEEP))
        tag = found.tag.removeprefix(_TAG)
        if tag not in _TAGS:
            name = tag if tag.startswith("!") else f"!!{tag}"
            raise ParseError(Problem(where, f"unsupported tag {name!r}; remove it"))
        if isinstance(found, yaml.MappingNode):
            return Node(self._pairs(found, depth), where, "mapping")
        if isinstance(found, yaml.SequenceNode):
            return Node([self.node(item, depth + 1) for item in found.value], where, "list")
        return Node(_scalar(tag, found.value), where, "null" if tag == "null" and found.value else "scalar")

    def _pairs(self, found: Any, depth: int) -> list[tuple[Node, Node]]:
        """Return the pairs of a mapping. Merged pairs (`<<`) come last; its own keys override them."""
        own: list[tuple[Node, Node]] = []
        merged: list[Any] = []
        for key, value in found.value:
            where = _where(self._file, key)
            if key.tag == f"{_TAG}merge":
                merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
            elif isinstance(key, yaml.ScalarNode):
                own.append((Node(key.value, where), self.node(value, depth + 1)))
            else:
                raise ParseError(Problem(where, "a key must be text, not a list or a mapping"))
        known = {key.value for key, _ in own}
        for mapping in merged:
            if not isinstance(mapping, yaml.MappingNode):
                what = "<<: expected a mapping or a list of mappings, such as *base"
                raise ParseError(Problem(_where(self._file, mapping), what))
            for key, value in self.node(mapping, depth + 1).pairs():
                if key.value not in known:
                    known.add(key.value)
                    own.append((key, value))
        return own


def _scalar(tag: str, text: str) -> Any:
    if tag == "null":
        return None
    if tag == "bool" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if tag == "int" and _INT.fullmatch(text):
        return int(text)
    if tag == "float" and _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def _toml(text: str, file: str) -> Node:
    try:
        found = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also for a number with thousands of digits
        line = re.search(r"at line (\d+), column (\d+)", str(error))
        where = Where(file, int(line[1]), int(line[2])) if line else Where(file)
        reason = _first_line(error).partition(" (at ")[0]
        if reason == "Invalid value":
            reason += "; put text in quotes"
        raise ParseError(Problem(where, f"invalid TOML: {reason}")) from None
    lines = _toml_lines(text)

    def locate(path: tuple[str, ...]) -> Where:
        """Return the line of a key or, if it does not start a line, of the table around it."""
        outward = (path[:length] for length in range(len(path), 0, -1))
        return Where(file, next((lines[outer] for outer in outward if outer in lines), 0))

    return _toml_node(found, (), locate)


def _toml_node(value: Any, path: tuple[str, ...], where: Callable[[tuple[str, ...]], Where]) -> Node:
    here = where(path)
    if isinstance(value, dict):
        pairs = [
            (Node(name, where((*path, name))), _toml_node(item, (*path, name), where))
            for name, item in value.items()
        ]
        return Node(pairs, here, "mapping")
    if isinstance(value, list):
        return Node([_toml_node(item, path, where) for item in value], here, "list")
    plain = isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value))
    return Node(value if plain else str(value), here)


_HEADER = re.compile(r"\s*\[\[?\s*(.+?)\s*\]\]?\s*(#.*)?")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"([^"]*)"|'([^']*)'""")
_LONG = re.compile(r"""(\"{3}|'{3}).*?\1""", re.DOTALL)


def _toml_lines(text: str) -> dict[tuple[str, ...], int]:
    """Return the lines of the keys and tables that start a line."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    text = _LONG.sub(lambda long: "''" + "\n" * long[0].count("\n"), text)  # keys in long strings are no keys
    for number, line in enumerate(text.split("\n"), 1):
        header, key = _HEADER.fullmatch(line), _KEY.match(line)
        if header:
            table = path = _toml_path(header[1])
        elif key:
            path = (*table, *_toml_path(key[1]))
        else:
            continue
        for length in range(1, len(path) + 1):
            found.setdefault(path[:length], number)
    return found


def _toml_path(text: str) -> tuple[str, ...]:
    return tuple(match[1] or match[2] or match[0] for match in _PART.finditer(text))


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
