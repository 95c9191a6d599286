"""Read a board file: its includes, boards, defaults and groups, jobs and alerts, and all of its mistakes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from glob import has_magic
from pathlib import Path
from typing import Any

from jobs_core.boardfile.crontabs import NAMES, is_crontab, looks_like_crontab, read_crontab
from jobs_core.boardfile.include import included_files
from jobs_core.boardfile.inherit import merge
from jobs_core.boardfile.job import JobReader
from jobs_core.boardfile.model import BoardFile, Declarations, Declared, Kind, Problem, Where
from jobs_core.boardfile.node import Node
from jobs_core.boardfile.parse import ParseError, parse
from jobs_core.boardfile.scope import Scope
from jobs_core.errors import OptionError
from jobs_core.files import FileError, decode, read_regular
from jobs_core.values import nearest

TOP = ("name", "board", "boards", "jobs", "alerts", "defaults", "groups", "include")
BOARD = ("jobs", "alerts", "defaults", "groups")

MAX_SIZE = 32 * 1024 * 1024
"""The largest file that is read, in bytes."""

NO_JOBS = "the file declares no jobs; add jobs, alerts, boards or include"

FROM_INPUT = "a board file cannot come from standard input; save it as a file, and pass its path"


def read(path: Path, environ: Mapping[str, str] = os.environ, *, include_outside: bool = False) -> BoardFile:
    """Read a board file (YAML, `.toml` or a crontab) with all that it includes.

    The result has all mistakes in `problems`. Files outside the directory of the file that includes them are
    a mistake, unless `include_outside` allows them.

    defaults: {runner: shell, timeout: 1h}
    jobs:
      backup:
        payload: pg_dump app > /backup/app.sql
        cron: 0 3 * * *
    """
    found = BoardFile(path)
    _Reader(found, environ, include_outside).read_file(path, Scope(), None, (), Where(str(path)))
    if not found.boards:
        found.boards[None] = Declarations()
    found.problems.sort()
    return found


def read_valid(
    path: Path, environ: Mapping[str, str] = os.environ, *, include_outside: bool = False
) -> BoardFile:
    """Read a board file that must have no mistakes, as `read` does.

    Raises:
        OptionError: The file has a mistake. The text describes the first one.
    """
    found = read(path, environ, include_outside=include_outside)
    if found.problems:
        more = len(found.problems) - 1
        others = f" (and {more} more: run `jobs board check {path}`)" if more else ""
        raise OptionError(f"{found.problems[0]}{others}")
    return found


class _Reader:
    """Reads one file and those that it includes into a BoardFile."""

    def __init__(self, found: BoardFile, environ: Mapping[str, str], outside: bool) -> None:
        self._found = found
        self._outside = outside
        self._jobs = JobReader(environ, self._problem)
        self._ids: dict[tuple[str | None, Kind, str], Where] = {}

    def read_file(
        self, path: Path, scope: Scope, board: str | None, includers: tuple[Path, ...], where: Where
    ) -> None:
        """Read a file that is included at `where`. Its jobs inherit from `scope`."""
        absolute = path.resolve()
        if absolute in includers:
            cycle = " includes ".join(map(str, (*includers[includers.index(absolute) :], absolute)))
            self._problem(where, f"include cycle: {cycle}")
            return
        if absolute not in self._found.files:
            self._found.files.append(absolute)
        if is_crontab(path):
            self._crontab(path, scope, board, where)
            return
        root = self._root(path, where)
        if root is not None:
            self._document(root, path, scope, board, (*includers, absolute))

    def _problem(self, where: Where, sentence: str) -> None:
        self._found.problems.append(Problem(where, sentence))

    def _crontab(self, path: Path, scope: Scope, board: str | None, where: Where) -> None:
        """Read a crontab. Its jobs inherit the defaults of the file that includes it."""
        text = self._text(path, where)
        declared = self._declarations(board)
        if text is not None:
            jobs, problems, notices = read_crontab(text, path, scope)
            self._found.problems += problems
            self._found.notices += notices
            for job in jobs:
                self._record_id(board, "job", job.id, job.where)
                declared.jobs.append(job)

    def _name(self, node: Node) -> str | None:
        """Return the name of the file, or None if it cannot own jobs by it."""
        name = self._jobs.text(node, "name")
        if name is not None and not (name.strip() and name.isprintable()):
            what = "expected a name without control characters" if name.strip() else "expected a name"
            self._problem(node.where, f"name: {what}, got {name!r}")
            return None
        return name

    def _text(self, path: Path, where: Where) -> str | None:
        """Return the contents of a file that is included at `where`, or None if it cannot be read."""
        try:
            return decode(read_regular(path, MAX_SIZE))
        except FileError as error:
            if str(path) == "-":
                self._problem(where, FROM_INPUT)
            elif where.line and not error.line:
                self._problem(where, f"cannot include {str(path)!r}: {error}")
            else:
                self._problem(Where(str(path), error.line, error.column), str(error))
        return None

    def _record_id(self, board: str | None, kind: Kind, id: str, where: Where) -> None:
        first = self._ids.setdefault((board, kind, id), where)
        if first is not where:
            self._problem(where, f"duplicate {kind} {id!r}; first declared at {first}")

    def _declarations(self, board: str | None) -> Declarations:
        return self._found.boards.setdefault(board, Declarations())

    def _root(self, path: Path, where: Where) -> Node | None:
        """Return the document in a file if it is a mapping, else None."""
        text = self._text(path, where)
        if text is None:
            return None
        try:
            root = parse(text, str(path), toml=path.suffix.lower() == ".toml")
        except ParseError as error:
            hint = f"; {NAMES}" if looks_like_crontab(text) else ""
            self._problem(error.problem.where, error.problem.sentence + hint)
        else:
            if root.is_mapping:
                return root
            what = "empty" if root.value is None else "not a mapping"
            hint = NAMES if looks_like_crontab(text) else "declare jobs by id under `jobs:`"
            self._problem(root.where, f"the file is {what}; {hint}")
        return None

    def _document(
        self, root: Node, path: Path, scope: Scope, board: str | None, includers: tuple[Path, ...]
    ) -> None:
        if not any(nearest(str(key.value), TOP) for key, _ in root.pairs()):
            self._problem(root.where, NO_JOBS)  # it may be any file, so name none of its keys
            return
        keys = dict(self._known(root, TOP))
        if "name" in keys and len(includers) == 1:
            self._found.name = self._name(keys["name"])
        if "board" in keys:
            board = self._board(self._jobs.text(keys["board"], "board"), keys["board"].where)
        if "boards" in keys and {"jobs", "alerts", "board"} & keys.keys():
            self._problem(
                keys["boards"].where,
                "boards cannot be combined with jobs, alerts or board; move these into one of the boards",
            )
        if not {"jobs", "alerts", "boards", "include"} & keys.keys():
            self._problem(root.where, NO_JOBS)
        inner = self._scope(keys, scope)
        for included, where in self._included(keys.get("include"), path):
            self.read_file(included, inner, board, includers, where)
        self._declare(keys, inner, board)
        for name, one in self._mapping(keys.get("boards"), "boards"):
            parts = dict(self._known(one, BOARD)) if self._is_mapping(one, name.value) else {}
            self._declare(parts, self._scope(parts, inner), self._board(name.value, name.where))

    def _board(self, name: str | None, where: Where) -> str | None:
        """Check the name of a board, which is part of its keys in Redis."""
        if name is not None and (not name or re.search(r"[{}\s]", name)):
            self._problem(where, "board: a name cannot contain spaces or braces")
            return None
        return name

    def _scope(self, keys: Mapping[str, Node], outer: Scope) -> Scope:
        """Return what the jobs of a file or board inherit: its defaults and groups, and the outer ones."""
        defaults = outer.defaults
        if "defaults" in keys and self._is_mapping(keys["defaults"], "defaults"):
            defaults = merge(defaults, self._jobs.options(keys["defaults"]))
        groups = {
            name.value: (self._jobs.options(group, "like"), name.where)
            for name, group in self._mapping(keys.get("groups"), "groups")
            if self._is_mapping(group, name.value)
        }
        inner = Scope(defaults, outer.groups | groups)
        for where, sentence in inner.problems(groups):
            self._problem(where, sentence)
        return inner

    def _declare(self, keys: Mapping[str, Node], scope: Scope, board: str | None) -> None:
        """Read the jobs and alerts among the keys of a file or board."""
        if not {"jobs", "alerts"} & keys.keys():
            return
        declared = self._declarations(board)
        self._read_each(keys.get("jobs"), "job", board, declared.jobs, partial(self._jobs.job, scope=scope))
        read = partial(self._jobs.alert, scope=scope)
        self._read_each(keys.get("alerts"), "alert", board, declared.alerts, read)

    def _read_each(
        self,
        node: Node | None,
        kind: Kind,
        board: str | None,
        found: list[Declared],
        read: Callable[[Node, Node], Declared | None],
    ) -> None:
        for name, value in self._mapping(node, f"{kind}s"):
            self._record_id(board, kind, str(name.value), name.where)
            if self._is_mapping(value, name.value) and (one := read(name, value)) is not None:
                found.append(one)

    def _included(self, include: Node | None, path: Path) -> Iterator[tuple[Path, Where]]:
        """Yield the files that a file includes, relative to it. A pattern yields its files in order."""
        if include is None:
            return
        for item in include.value if include.is_list else [include]:
            pattern = self._jobs.text(item, "include")
            if pattern == "":
                self._problem(item.where, "include: expected the path of a file, got ''")
            if not pattern:
                continue
            try:
                files = included_files(pattern, path.parent, outside=self._outside)
            except OptionError as error:
                self._problem(item.where, f"cannot include {str(item.value)!r}: {error}")
                continue
            yield from ((file, item.where) for file in files)
            if not files and not has_magic(pattern):
                what = f"cannot include {str(item.value)!r}; no such file next to {path.name}"
                self._problem(item.where, what)

    def _mapping(self, node: Node | None, what: str) -> Iterator[tuple[Node, Node]]:
        """Yield the pairs of a mapping, and report any other value. None has no pairs."""
        if node is not None and self._is_mapping(node, what):
            seen: set[Any] = set()
            for key, value in node.pairs():
                if key.value in seen and what not in ("jobs", "alerts"):
                    self._problem(key.where, f"duplicate key {key.value!r}")
                seen.add(key.value)
                yield key, value

    def _is_mapping(self, node: Node, what: object) -> bool:
        if node.value is None:
            self._problem(node.where, f"{what} has no value; write {{}} for an empty mapping")
        elif not node.is_mapping:
            self._problem(node.where, f"{what}: expected a mapping of keys to values")
        return node.is_mapping

    def _known(self, node: Node, known: tuple[str, ...]) -> Iterator[tuple[str, Node]]:
        """Yield the pairs with known keys, and report others. Keys that begin with x- are ignored."""
        for key, value in self._mapping(node, "the file"):
            name = str(key.value)
            if name in known:
                yield name, value
            elif not name.startswith("x-"):
                self._problem(key.where, f"unknown key {name!r}{nearest(name, known)}")
