"""Decide which functions a worker may call. Without the setting `python_allow`, it may call none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from jobs_core import Context, OptionError


class NotAllowedError(Exception):
    """This worker may not call the function."""

    def __init__(self, path: str) -> None:
        module = path.partition(":")[0]
        super().__init__(
            f"this worker may not call {path}: start it with --allow '{module}:*', "
            f"or set JOBS_PYTHON_ALLOW={module}:*"
        )


@dataclass(frozen=True, slots=True)
class Allowed:
    """The functions that may be called: `module:name`, with the wildcard * in either part.

    `declared` is a path that this program itself declares as a job, with `@board.job`.
    """

    patterns: tuple[str, ...]
    declared: str | None = None

    @classmethod
    def read(cls, path: str, context: Context) -> Allowed:
        """Return what a worker may call, of which `path` is asked for. Raises OptionError."""
        patterns = tuple(context.settings["python_allow"])
        for pattern in patterns:
            if pattern.count(":") != 1:
                raise OptionError(f"python_allow: expected module:name or module:*, got {pattern!r}")
        board = context.board
        own = board is not None and board.declares("python", path)
        return cls(patterns, path if own else None)

    def check_path(self, path: str) -> None:
        """Refuse a path before anything is imported. Raises NotAllowedError."""
        if path != self.declared and not _matches(path, self.patterns):
            raise NotAllowedError(path)

    def check_function(self, path: str, function: Any) -> None:
        """Refuse a function of another module. Raises NotAllowedError.

        A pattern with a wildcard allows what a module defines, but not what it imports: `tasks:os.system`.
        """
        if path == self.declared or path in self.patterns:
            return
        home = getattr(function, "__module__", None) or ""
        if not _matches(f"{home}:{path.partition(':')[2]}", self.patterns):
            raise NotAllowedError(path)


def _matches(path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)
