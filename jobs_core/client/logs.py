"""Read the end of what tasks printed, which the board keeps for a while without any option."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jobs_core.text import CUT

STREAMS = {"o": "stdout", "e": "stderr"}


def read_log(task: str, text: str | None) -> Iterator[dict[str, Any]]:
    """Yield the lines of a JLOGS reply about one task, as `Board.logs` returns them.

    >>> list(read_log("tick@1", "a1\\nohi"))
    [{'task': 'tick@1', 'attempt': 1, 'stream': 'stdout', 'line': 'hi'}]
    """
    attempt = None
    for line in (text or "").split("\n"):
        kind, rest = line[:1], line[1:]
        if kind == "a" and rest.isdigit():
            attempt = int(rest)
        elif kind == CUT:
            yield {"task": task, "cut": True}
        elif kind in STREAMS:
            yield {"task": task, "attempt": attempt, "stream": STREAMS[kind], "line": rest}
