"""Where long output goes: to a pager on a terminal, else to standard output, bit by bit."""

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
"""What less is told, unless the environment says more: print short output and end, and pass colors on."""


class PagerQuit(Exception):
    """Nobody reads on: the pager was quit."""


def on_terminal() -> bool:
    """Whether people read standard output as it comes."""
    return sys.stdout.isatty()


def is_styled() -> bool:
    """Whether output may be bold: on a terminal that wants it, in a pager that passes it on."""
    return on_terminal() and not os.environ.get("NO_COLOR") and "r" in os.environ.get("LESS", LESS).lower()


@contextmanager
def output(*, paged: bool) -> Iterator[Write]:
    """Yield what writes a text where it belongs. A pager that is quit ends the block quietly."""
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
    """The pager that JOBS_PAGER or PAGER names, or less; nothing for an empty name or `cat`."""
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
    """What writes a text to a stream at once: the next one may take long to come."""

    def write(text: str) -> None:
        stream.write(text)
        stream.flush()

    return write


def _end(process: subprocess.Popen[str]) -> None:
    """Let people read on until they quit. Ctrl-C is the pager's then, not ours."""
    assert process.stdin is not None
    with suppress(BrokenPipeError, KeyboardInterrupt):
        process.stdin.close()
    while True:
        with suppress(KeyboardInterrupt):
            process.wait()
            return
