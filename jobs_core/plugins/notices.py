"""Sentences about settings, said once a process on standard error."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable

from jobs_core.text import visible

_said: set[str] = set()
_saying = threading.Lock()


def say_once(sentences: Iterable[str]) -> None:
    """Print sentences on standard error, except those that this process has printed before."""
    with _saying:
        for sentence in sentences:
            if sentence not in _said:
                _said.add(sentence)
                if sys.stderr is not None:
                    sys.stderr.write(f"{visible(sentence)}\n")


def warn_once(problems: Iterable[str]) -> None:
    """Print warnings, as `say_once` does."""
    say_once(f"Warning: {problem}" for problem in problems)


def forget() -> None:
    """Say everything again, as another process would. For tests."""
    with _saying:
        _said.clear()
