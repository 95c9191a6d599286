"""A board file that is applied again whenever it changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from jobs_core.boardfile.model import BoardFile, Declarations
from jobs_core.boardfile.read import read_valid
from jobs_core.boardfile.watch import changes
from jobs_core.errors import JobsError, OptionError


class FollowedFile:
    """One board of a board file, read now and after each change.

    `file` is the file as last read, `declared` its jobs and alerts for the board `board_name`.

    Raises:
        OptionError: The file has mistakes, or has several boards and `chosen` names none of them.
    """

    def __init__(self, path: Path, chosen: str | None = None, *, include_outside: bool = False) -> None:
        self._path = path
        self._include_outside = include_outside
        self._chosen = chosen
        self.file: BoardFile
        self.declared: Declarations
        self.board_name: str
        self._read()

    def watch(self, changed: Callable[[], object], failed: Callable[[JobsError], object]) -> None:
        """Follow the file, and the files it includes, in the background.

        Args:
            changed: Called after each change, once the file was read without mistakes.
            failed: Called with the mistakes of the file, or with an error that `changed` raised.
        """

        def follow() -> None:
            for _ in changes(lambda: self.file.files):
                try:
                    self._read()
                    changed()
                except JobsError as error:
                    failed(error)

        threading.Thread(target=follow, name="jobs-watch", daemon=True).start()

    def _read(self) -> None:
        self.file = read_valid(self._path, include_outside=self._include_outside)
        boards = self.file.select(self._chosen)
        if len(boards) > 1:
            known = ", ".join(str(name) for name in boards)
            raise OptionError(f"{self._path}: has several boards ({known}). Choose one with --board.")
        name, self.declared = next(iter(boards.items()))
        self.board_name = name or "jobs"
