"""Long output: to a pager on a terminal, else to standard output, piece by piece."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

Write = Callable[[str], None]

LESS = "FRX"
"""The options of less unless LESS sets them: exit after short output, and pass colors through."""


class PagerQuit(Exception):
    """The user quit the pager."""


def on_terminal() -> bool:
    """Check whether standard output is a terminal."""
    return sys.stdout.isatty()


def is_styled() -> bool:
    """Check whether the terminal and the pager show bold text."""
    return on_terminal() and not os.environ.get("NO_COLOR") and "r" in os.environ.get("LESS", LESS).lower()


@contextmanager
def output(*, paged: bool) -> Iterator[Write]:
    """Yield a function that writes text to the pager or to standard output.

    The block ends without an error when the user quits the pager.
    """
    process = _start(_command()) if paged and on_terminal() else None
    if process is None:
        yield _writer(sys.stdout)
        return
    assert process.stdin is not None
    try:
        yield _to_pager(process.stdin)
    except (PagerQuit, KeyboardInterrupt):
        pass
    finally:
        _end(process)


def _command() -> list[str]:
    """Return the command of the pager: JOBS_PAGER, PAGER or less. An empty name or `cat` disables it."""
    named = os.environ.get("JOBS_PAGER", os.environ.get("PAGER"))
    if os.environ.get("TERM") in ("dumb", None) or named in ("", "cat"):
        return []
    return shlex.split(named or "less")


def _start(command: list[str]) -> subprocess.Popen[str] | None:
    if not command or shutil.which(command[0]) is None:
        return None
    environment = {"LESS": LESS, **os.environ}
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        env=environment,
        encoding=sys.stdout.encoding,
        errors="backslashreplace",
    )


def _to_pager(stream: IO[str]) -> Write:
    write = _writer(stream)

    def guarded(text: str) -> None:
        try:
            write(text)
        except BrokenPipeError:
            raise PagerQuit from None

    return guarded


def _writer(stream: IO[str]) -> Write:
    """Return a function that writes and flushes, since the next text may take long to arrive."""

    def write(text: str) -> None:
        stream.write(text)
        stream.flush()

    return write


def _end(process: subprocess.Popen[str]) -> None:
    """Wait until the user quits the pager. Until then, Ctrl-C goes to the pager only."""
    assert process.stdin is not None
    with suppress(BrokenPipeError, KeyboardInterrupt):
        process.stdin.close()
    while True:
        with suppress(KeyboardInterrupt):
            process.wait()
            return
