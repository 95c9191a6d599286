"""Durable boards: what a client writes counts only once replicas have it, too. See the setting `durable`."""

from __future__ import annotations

from typing import Any

from jobs_core.engine.build import commands
from jobs_core.engine.keys import Keys
from jobs_core.engine.loader import read_reply

SETTING = "durable"
"""The field of the board's settings with the number of replicas."""

PATIENCE = 2.0
"""Seconds to wait for the replicas, at most. Half the time-out for answers, if that is less."""

_UNAWAITED = frozenset(("JRETAIN", "JTICK"))
"""Commands whose replies count at once: what ends the waiting must not wait itself, and what a tick writes is
written again, with the same ids."""


def read_replicas(connection: Any, *boards: Keys) -> list[int]:
    """Return how many replicas must have what is written to each board: 0 if it is not durable."""
    words = [("HGET", keys.settings, SETTING) for keys in boards]
    connection.send_packed_command(connection.pack_commands(words))
    return [replicas_of(read_reply(connection)) for _ in boards]


def replicas_of(setting: Any) -> int:
    """Return how many replicas the setting asks for: 0 for a board that is not durable.

    >>> replicas_of("1"), replicas_of("off"), replicas_of(None)
    (1, 0, 0)
    """
    return int(setting) if isinstance(setting, str | bytes) and setting.isdigit() else 0


def is_awaited(name: str) -> bool:
    """Return whether the reply to a command of Jobs counts only once replicas have what it wrote."""
    return name not in _UNAWAITED and not commands()[name].only_reads


def wait_words(replicas: int, timeout: float | None) -> tuple[str, int, int]:
    """Return the command that waits for replicas to have what was written over its connection.

    Args:
        replicas: How many replicas.
        timeout: How many seconds the client waits for an answer. None means forever.
    """
    return "WAIT", replicas, round(min(PATIENCE, timeout / 2 if timeout else PATIENCE) * 1000)


def refusal(found: Any, replicas: int, server: str) -> str:
    """Return why what was written does not count yet, given the reply to WAIT. Empty if it counts."""
    if isinstance(found, int) and found >= replicas:
        return ""
    count = f"only {found}" if isinstance(found, int) else "none"
    return (
        f"{server} has done this, but {count} of {replicas} replicas have confirmed it, and the board is "
        "durable: a failover may undo it. Run `jobs doctor`"
    )
