"""Read files that people name: regular files only, and where bytes are not UTF-8."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO


class FileError(Exception):
    """A file that cannot be read. The text says why, and quotes nothing of it. Unknown places are 0."""

    def __init__(self, sentence: str, line: int = 0, column: int = 0) -> None:
        super().__init__(sentence)
        self.line = line
        self.column = column


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading. A pipe or a device is rejected rather than waited for.

    Raises:
        FileError: The file cannot be read, or is not a regular file.
    """
    try:
        file = open(path, "rb", opener=_open_at_once)  # noqa: SIM115
    except OSError as error:
        raise FileError(f"cannot read the file: {error.strerror}") from None
    except ValueError:
        raise FileError("cannot read the file: its name has a null character") from None
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise FileError("expected a regular file, got a directory, a pipe or a device")
    return file


def read_regular(path: Path, most: int) -> bytes:
    """Read a regular file.

    Args:
        path: The file.
        most: The largest size that is read, in bytes.

    Raises:
        FileError: The file cannot be read, is too large, or is not a regular file.
    """
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > most:
            raise FileError(f"the file is larger than {most >> 20} MiB; split it")
        try:
            return file.read(most)
        except OSError as error:
            raise FileError(f"cannot read the file: {error.strerror}") from None


def decode(data: bytes) -> str:
    """Decode UTF-8, with or without a byte order mark, and with any line breaks.

    Raises:
        FileError: The bytes are not UTF-8. It has the line and the column of the first invalid byte.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8", "replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise FileError("expected UTF-8, got other bytes; save the file as UTF-8", line, column) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without waiting for a writer, if it is a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)
