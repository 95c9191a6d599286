"""The parts of a worker that run beside its loop, each on a thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Part(Protocol):
    """Something that runs until it is stopped."""

    def run(self) -> None: ...

    def stop(self) -> None: ...


@contextmanager
def in_background(*parts: Part | None) -> Iterator[None]:
    """Run these parts during the `with` block. None stands for a part that the worker does not need."""
    found = [part for part in parts if part is not None]
    for part in found:
        threading.Thread(target=part.run, daemon=True).start()
    try:
        yield
    finally:
        for part in found:
            part.stop()
