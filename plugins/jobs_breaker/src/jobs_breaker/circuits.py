"""The circuits of a board, which its workers share through Redis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobs_core import BoardLike


@dataclass(frozen=True, slots=True)
class Circuit:
    """A circuit with failures. `until` is the time of the next trial, in epoch seconds.

    `state` is `closed` (too few failures in a row to open), `open`, `half-open` (the next task is the trial)
    or `trying` (the trial is running).
    """

    name: str
    state: str
    failures: int
    until: float | None = None


class Circuits:
    """The circuits of a board, one per target.

    `failures` failures in a row open a circuit for `pause` seconds. Its state is the hash
    `{board}:breaker:<name>`, which expires a day after the last failure.

    >>> Circuits(board, failures=5, pause=30).enter("http example.com", task.token)
    0.0
    """

    def __init__(self, board: BoardLike, *, failures: int = 5, pause: float = 30.0) -> None:
        self._client = board.client
        self._prefix = f"{board.keys.tag}:breaker:"
        self._failures = failures
        self._pause = round(pause * 1000)

    def enter(self, name: str, token: str, *, now: float | None = None) -> float:
        """Ask whether a task may run. Returns 0, or the seconds until the next trial. Raises RedisError."""
        return int(self._call("enter", name, token, now)) / 1000

    def record(self, name: str, token: str, ok: bool, *, now: float | None = None) -> bool:
        """Record the result of a task. Returns whether it opened the circuit. Raises RedisError."""
        return bool(self._call("leave", name, token, now, int(ok), self._failures))

    def close(self, name: str) -> bool:
        """Close a circuit. Returns whether it existed. Raises RedisError."""
        return bool(self._client.delete(self._prefix + name))

    def all(self, *, now: float | None = None) -> Iterator[Circuit]:
        """Yield every circuit with failures, in no particular order. Raises RedisError."""
        seconds, micros = (0, 0) if now is not None else self._client.time()
        for key in self._client.scan_iter(f"{_escaped(self._prefix)}*", count=1000):
            fields: Any = self._client.hgetall(key)
            if fields:
                yield _circuit(key.removeprefix(self._prefix), fields, now or seconds + micros / 1e6)

    def _call(self, script: str, name: str, token: str, now: float | None, *rest: int) -> Any:
        ms = "" if now is None else round(now * 1000)
        return self._client.register_script(_source(script))(
            [self._prefix + name], [token, self._pause, ms, *rest]
        )


def _circuit(name: str, fields: Mapping[str, Any], now: float) -> Circuit:
    failures = int(fields.get("failures", 0))
    if "until" not in fields:
        return Circuit(name, "closed", failures)
    until = int(fields["until"]) / 1000
    state = "half-open" if now >= until else "trying" if "trial" in fields else "open"
    return Circuit(name, state, failures, until)


@cache
def _source(script: str) -> str:
    return resources.files("jobs_breaker").joinpath(f"{script}.lua").read_text("utf-8")


def _escaped(text: str) -> str:
    """Escape the wildcards of a Redis pattern."""
    return "".join(f"\\{char}" if char in "*?[]\\" else char for char in text)
