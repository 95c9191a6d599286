"""The file of the `file` logger: one line per event, with rotation by size."""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Callable
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from jobs_core.contract import WorkerInfo
from jobs_core.errors import OptionError
from jobs_core.plugins.builtin.log_records import chosen_names
from jobs_core.plugins.builtin.loggers import event_line
from jobs_core.text import json_line
from jobs_core.types import Event

FORMATS = ("text", "json")


def _format(worker: WorkerInfo) -> Callable[[Event], str]:
    """Return the function that makes a line. Raises OptionError for an unknown format or unknown names."""
    name = worker.settings["log_file_format"]
    if name not in FORMATS:
        raise OptionError(f"log_file_format: expected {' or '.join(FORMATS)}, got {name!r}")
    if name == "text":
        names_board = len(worker.boards) > 1
        return lambda event: event_line(event, names_board=names_board)
    names = chosen_names(worker)
    return lambda event: json_line(names(event))


class LogFile:
    """The log file that the setting `log_file` names. Rotated files are kept beside it.

    Two workers cannot share a file, because both would rotate it. Raises OptionError if another worker uses
    the file, if it cannot be written, or if the format or its names are unknown.
    """

    def __init__(self, worker: WorkerInfo) -> None:
        settings = worker.settings
        self._format = _format(worker)
        filled = str(settings["log_file"]).replace("{worker}", worker.name).replace("{board}", worker.board)
        path = Path(filled)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handler = _Handler(
                path,
                maxBytes=settings["log_file_bytes"],
                backupCount=settings["log_file_keep"],
                encoding="utf-8",
            )
        except BlockingIOError:
            raise OptionError(
                f"log_file: another worker uses {path}: set JOBS_LOG_FILE=jobs-{{worker}}.log"
            ) from None
        except OSError as error:
            raise OptionError(f"log_file: cannot write {path}: {error.strerror}") from None

    def write(self, event: Event) -> None:
        """Write one line. Raises OSError, for example if the disk is full."""
        self._handler.handle(logging.makeLogRecord({"msg": self._format(event)}))

    def close(self) -> None:
        """Close the file."""
        self._handler.close()


class _Handler(RotatingFileHandler):
    """A rotating file, locked by this process. Errors are raised, not printed."""

    def _open(self) -> TextIOWrapper:
        stream = super()._open()
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            stream.close()
            raise
        return stream

    def handleError(self, record: logging.LogRecord) -> None:
        raise
