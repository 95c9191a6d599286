"""Standard streams that are closed, full or gone."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

NO_SPACE = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF))
"""What a write to a full or broken standard output fails with."""


def fill_closed_streams() -> None:
    """Open /dev/null for streams that the caller closed, so that no other file takes their number.

    Standard input stays None in Python, so that commands that need it can say so. A write to a closed
    standard output fails, as to a full disk, because it is open for reading only.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_WRONLY if number == 2 else os.O_RDONLY)
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115


def is_write_error(error: BaseException) -> bool:
    """Check whether an error comes from writing to standard output rather than to a file with a name."""
    return isinstance(error, OSError) and error.errno in NO_SPACE and error.filename is None


def write_error(error: OSError) -> str:
    """Describe an error from writing to standard output, and give up what is still to be written."""
    discard_output()
    return f"Cannot write to standard output: {error.strerror}."


def discard_output() -> None:
    """Send what is still to be written to standard output nowhere, so that Python does not fail at exit."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def checked_output() -> Iterator[None]:
    """Report, at the end of a command, output that could not be written.

    Exits with 1 if there is any.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        discard_output()
        sys.exit(1)
    except OSError as error:
        if not is_write_error(error):
            raise
        sys.stderr.write(f"Error: {write_error(error)}\n")
        sys.exit(1)
