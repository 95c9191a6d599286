"""The file of the `file` logger: one line an event, rotated when it has grown."""

from __future__ import annotations

import fcntl
import json
import logging
from collections.abc import Callable
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from jobs_core.contract import WorkerInfo
from jobs_core.errors import OptionError
from jobs_core.plugins.builtin.loggers import event_json, event_line
from jobs_core.types import Event

FORMATS: dict[str, Callable[[Event], str]] = {
    "text": lambda event: event_line(event, "%Y-%m-%d %H:%M:%S"),
    "json": lambda event: json.dumps(event_json(event), ensure_ascii=False),
}


class LogFile:
    """Writes events to the file that the setting `log_file` names; its predecessors lie beside it.

    Two workers cannot share one: each would rotate it under the other. Raises OptionError when another has
    it, when it cannot be written, or for a format that does not exist.
    """

    def __init__(self, worker: WorkerInfo) -> None:
        settings = worker.settings
        name = settings["log_file_format"]
        if name not in FORMATS:
            raise OptionError(f"log_file_format is {' or '.join(FORMATS)}, not {name!r}")
        self._format = FORMATS[name]
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
                f"another worker writes {path}: give each its own with JOBS_LOG_FILE=jobs-{{worker}}.log"
            ) from None
        except OSError as error:
            raise OptionError(f"log_file {path} cannot be written: {error.strerror}") from None

    def write(self, event: Event) -> None:
        """Write one line. Raises OSError: when the disk is full, for instance."""
        self._handler.handle(logging.makeLogRecord({"msg": self._format(event)}))

    def close(self) -> None:
        """Close the file."""
        self._handler.close()


class _Handler(RotatingFileHandler):
    """A file that is this process's alone; what goes wrong is raised rather than printed."""

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
