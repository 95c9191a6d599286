"""Reading a board file: what it includes, its boards, defaults and groups, and every mistake in it."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jobs_core.boardfile.crontabs import is_crontab, read_crontab
from jobs_core.boardfile.job import JobReader
from jobs_core.boardfile.model import BoardFile, Problem, Where
from jobs_core.boardfile.node import Node
from jobs_core.boardfile.parse import Unreadable, parse
from jobs_core.boardfile.scope import Scope
from jobs_core.errors import OptionError
from jobs_core.options import nearest

TOP = ("name", "board", "boards", "jobs", "defaults", "groups", "include")
BOARD = ("jobs", "defaults", "groups")

SIZE = 32 * 1024 * 1024
"""Bytes of a file that is read."""


def read(path: Path, environ: Mapping[str, str] = os.environ) -> BoardFile:
    """Read a board file, YAML, `.toml` or a crontab, with all that it includes; `problems` has all mistakes.

    defaults: {runner: shell, timeout: 1h}
    jobs:
      backup:
        payload: pg_dump app > /backup/app.sql
        cron: 0 3 * * *
    """
    found = BoardFile(path)
    _Reader(found, environ).file(path, Scope(), None, (), Where(str(path)))
    if not found.boards:
        found.boards[None] = []
    found.problems.sort()
    return found


def read_valid(path: Path, environ: Mapping[str, str] = os.environ) -> BoardFile:
    """Read a board file that must be right. Raises OptionError for the first mistake in it."""
    found = read(path, environ)
    if found.problems:
        more = len(found.problems) - 1
        others = f" (and {more} more: see `jobs board check {path}`)" if more else ""
        raise OptionError(f"{found.problems[0]}{others}")
    return found


class _Reader:
    """Reads one file and those that it includes into a BoardFile."""

    def __init__(self, found: BoardFile, environ: Mapping[str, str]) -> None:
        self._found = found
        self._jobs = JobReader(environ, self._problem)
        self._ids: dict[tuple[str | None, str], Where] = {}

    def file(
        self, path: Path, scope: Scope, board: str | None, includers: tuple[Path, ...], at: Where
    ) -> None:
        """Read a file that is named `at` a place. Its jobs inherit what is in `scope`."""
        whole = path.resolve()
        if whole in includers:
            way = " includes ".join(str(one) for one in (*includers[includers.index(whole) :], whole))
            self._problem(at, f"files include each other: {way}")
            return
        if whole not in self._found.files:
            self._found.files.append(whole)
        if is_crontab(path):
            self._crontab(path, scope, board)
            return
        root = self._root(path)
        if root is not None:
            self._document(root, path, scope, board, (*includers, whole))

    def _problem(self, where: Where, sentence: str) -> None:
        self._found.problems.append(Problem(where, sentence))

    def _crontab(self, path: Path, scope: Scope, board: str | None) -> None:
        """Read a crontab: a line is a job, with the defaults of the file that includes it."""
        text = self._text(path)
        declared = self._found.boards.setdefault(board, [])
        if text is not None:
            jobs, problems, notices = read_crontab(text, path, scope)
            self._found.problems += problems
            self._found.notices += notices
            for job in jobs:
                self._note_id(board, job.id, job.where)
                declared.append(job)

    def _text(self, path: Path) -> str | None:
        """What is in a file, if it can be read."""
        where = Where(str(path))
        try:
            if path.stat().st_size <= SIZE:
                return path.read_text("utf-8")
            self._problem(where, f"the file is over {SIZE >> 20} MiB: split it, and include the parts")
        except OSError as error:
            self._problem(where, f"the file cannot be read: {error.strerror}")
        except UnicodeDecodeError as error:
            self._problem(where, f"the file is not UTF-8: byte {error.start} is not")
        return None

    def _note_id(self, board: str | None, id: str, where: Where) -> None:
        first = self._ids.setdefault((board, id), where)
        if first is not where:
            self._problem(where, f"the job {id!r} is declared twice: first at {first}")

    def _root(self, path: Path) -> Node | None:
        """The document in a file, if it is a mapping."""
        text = self._text(path)
        if text is None:
            return None
        try:
            root = parse(text, str(path), toml=path.suffix.lower() == ".toml")
        except Unreadable as error:
            self._found.problems.append(error.problem)
        else:
            if root.is_mapping:
                return root
            what = "is empty" if root.value is None else "is no mapping"
            self._problem(root.where, f"the file {what}: a board file has a mapping `jobs:` of ids to jobs")
        return None

    def _document(
        self, root: Node, path: Path, scope: Scope, board: str | None, includers: tuple[Path, ...]
    ) -> None:
        keys = dict(self._known(root, TOP))
        if "name" in keys and len(includers) == 1:
            self._found.name = self._jobs.text(keys["name"], "name")
        if "board" in keys:
            board = self._board(self._jobs.text(keys["board"], "board"), keys["board"].where)
        if "boards" in keys and ("jobs" in keys or "board" in keys):
            self._problem(
                keys["boards"].where, "boards excludes jobs and board: put the jobs into one of the boards"
            )
        if not {"jobs", "boards", "include"} & keys.keys():
            self._problem(root.where, "there is neither jobs, boards nor include: nothing is declared")
        inner = self._scope(keys, scope)
        for included, where in self._included(keys.get("include"), path):
            self.file(included, inner, board, includers, where)
        self._declare(keys.get("jobs"), inner, board)
        for name, one in self._mapping(keys.get("boards"), "boards"):
            parts = dict(self._known(one, BOARD)) if self._is_mapping(one, name.value) else {}
            self._declare(parts.get("jobs"), self._scope(parts, inner), self._board(name.value, name.where))

    def _board(self, name: str | None, where: Where) -> str | None:
        """The name of a board, which is part of the names of its keys in Redis."""
        if name is not None and (not name or re.search(r"[{}\s]", name)):
            self._problem(where, "a board's name has no spaces or braces")
            return None
        return name

    def _scope(self, keys: Mapping[str, Node], outer: Scope) -> Scope:
        """What the jobs of a file or board inherit: what surrounds them, and what it says itself."""
        defaults = outer.defaults
        if "defaults" in keys and self._is_mapping(keys["defaults"], "defaults"):
            defaults = defaults | self._jobs.options(keys["defaults"])
        groups = {
            name.value: (self._jobs.options(group, "like"), name.where)
            for name, group in self._mapping(keys.get("groups"), "groups")
            if self._is_mapping(group, name.value)
        }
        inner = Scope(defaults, outer.groups | groups)
        for where, sentence in inner.problems(groups):
            self._problem(where, sentence)
        return inner

    def _declare(self, jobs: Node | None, scope: Scope, board: str | None) -> None:
        if jobs is None:
            return
        declared = self._found.boards.setdefault(board, [])
        for name, job in self._mapping(jobs, "jobs"):
            self._note_id(board, str(name.value), name.where)
            if self._is_mapping(job, name.value):
                one = self._jobs.job(name, job, scope)
                if one is not None:
                    declared.append(one)

    def _included(self, include: Node | None, path: Path) -> Iterator[tuple[Path, Where]]:
        """The files that a file includes, relative to it; what a pattern matches comes in order."""
        if include is None:
            return
        for item in include.value if include.is_list else [include]:
            pattern = self._jobs.text(item, "include")
            if not pattern:
                continue
            # Unlike Path.glob, this takes whatever people write, absolute paths too.
            names = sorted(glob.glob(pattern, root_dir=path.parent, recursive=True))  # noqa: PTH207
            files = [path.parent / name for name in names if (path.parent / name).is_file()]
            yield from ((file, item.where) for file in files)
            if not files and not glob.has_magic(pattern):
                what = f"there is no file {str(item.value)!r} to include, beside {path.name}"
                self._problem(item.where, what)

    def _mapping(self, node: Node | None, what: str) -> Iterator[tuple[Node, Node]]:
        """The pairs of a mapping; what is none is a mistake, and what is not there has none."""
        if node is not None and self._is_mapping(node, what):
            seen: set[Any] = set()
            for key, value in node.pairs():
                if key.value in seen and what != "jobs":
                    self._problem(key.where, f"{key.value!r} stands here twice")
                seen.add(key.value)
                yield key, value

    def _is_mapping(self, node: Node, what: object) -> bool:
        if node.value is None:
            self._problem(node.where, f"{what} has no value: write {{}} for none")
        elif not node.is_mapping:
            self._problem(node.where, f"{what} is to be a mapping: keys, each with a value")
        return node.is_mapping

    def _known(self, node: Node, known: tuple[str, ...]) -> Iterator[tuple[str, Node]]:
        """The pairs of a mapping whose keys are known. Those that begin with x- are the writer's own."""
        for key, value in self._mapping(node, "the file"):
            name = str(key.value)
            if name in known:
                yield name, value
            elif not name.startswith("x-"):
                self._problem(key.where, f"there is no key {name!r}{nearest(name, known)}")
