"""Durable boards: what a client writes counts only once replicas have it, too. See the setting `durable`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from math import inf
from typing import Any

from redis import exceptions as rx

from jobs_core.engine.build import commands
from jobs_core.engine.keys import Keys
from jobs_core.engine.loader import exchange

SETTING = "durable"
"""The field of the board's settings with the number of replicas."""

PATIENCE = 2.0
"""Seconds to wait for the replicas, at most. Half the time-out for answers, if that is less."""

OF_LEASE = 0.25
"""The part of the shortest lease for which to wait after taking tasks: time is left to give them back."""

_UNAWAITED = frozenset(("JRETAIN", "JTICK"))
"""Commands whose replies count at once: what ends the waiting must not wait itself, and what a tick writes is
written again, with the same ids."""

HISTORY = ("INFO", "replication")
"""Asks a server for the id of its history. A server that becomes a primary begins one of its own."""

_ON_ITS_WAY = (rx.MovedError, rx.AskError, rx.TryAgainError)


def read_replicas(connection: Any, *boards: Keys) -> list[int | None]:
    """Return how many replicas must have what is written to each board: 0 if it is not durable.

    None stands for a board whose setting this server cannot tell now, because its slot is on its way.

    Raises:
        ClusterDownError: The cluster is down. What is called next may succeed, and must not count at once.
    """
    replies = exchange(connection, *(("HGET", keys.settings, SETTING) for keys in boards))
    for reply in replies:
        if isinstance(reply, rx.ClusterDownError):
            raise reply
    return [None if isinstance(reply, _ON_ITS_WAY) else replicas_of(reply) for reply in replies]


def replicas_of(setting: Any) -> int:
    """Return how many replicas the setting asks for: 0 for a board that is not durable.

    >>> replicas_of("1"), replicas_of("off"), replicas_of(None)
    (1, 0, 0)
    """
    return int(setting) if isinstance(setting, str | bytes) and setting.isdigit() else 0


def is_awaited(name: str) -> bool:
    """Return whether the reply to a command of Jobs counts only once replicas have what it wrote."""
    return name not in _UNAWAITED and not commands()[name].only_reads


def wait_words(replicas: int, timeout: float | None, lease: float = inf) -> tuple[str, int, int]:
    """Return the command that waits for replicas to have what was written over its connection.

    Args:
        replicas: How many replicas.
        timeout: How many seconds the client waits for an answer. None means forever.
        lease: The shortest lease of tasks that were taken, in seconds.
    """
    seconds = min(PATIENCE, timeout / 2 if timeout else PATIENCE, lease * OF_LEASE)
    return "WAIT", replicas, max(1, round(seconds * 1000))  # 0 would wait forever


def shortest_lease(name: str, args: Sequence[Any], reply: Any) -> float:
    """Return the shortest lease of the tasks that a call has taken, in seconds: infinity if it took none.

    >>> shortest_lease("JPOP", (1, "shell", "lease", 30, "raw", 1), [["a@1#1", chr(10) * 6]])
    30.0
    """
    options = _pop_options(args) if name == "JPOP" and reply else {}
    if str(options.get("raw")) != "1":
        return inf
    found = [text for text in map(_task_options, reply) if '"lease"' in text]
    leases = [float(json.loads(text).get("lease", inf)) for text in found]
    with suppress(KeyError, ValueError):  # no lease, or a duration such as 1h, which is long enough
        leases.append(float(options["lease"]))
    return min(leases, default=inf)


def _pop_options(args: Sequence[Any]) -> dict[str, Any]:
    after_queues = args[int(args[0]) + 1 :]
    return dict(zip(after_queues[::2], after_queues[1::2], strict=False))


def _task_options(pair: Sequence[str]) -> str:
    """Return the options of a task in a raw reply, as JSON: see lua/queue/records.lua."""
    return pair[1].split("\n", 6)[5]


def is_noted(connection: Any) -> bool:
    """Return whether the history of a connection's server is known: not if the connection was made again."""
    link, _ = _noted(connection)
    return link is not None and link is _link(connection)


def note_history(connection: Any, info: Any) -> bool:
    """Note the history of a connection's server, as `HISTORY` tells it. Returns whether it is another one.

    WAIT only compares numbers. If a server is demoted while a client waits, loses what the client wrote, and
    becomes the primary again, the numbers of its new history may let WAIT succeed.
    """
    link, before = _noted(connection)
    found = re.search(r"master_replid:(\w+)", info) if isinstance(info, str) else None
    now = found[1] if found else ""
    connection.jobs_history = (_link(connection), now)
    return link is _link(connection) and before not in ("", now)


def _noted(connection: Any) -> tuple[Any, str]:
    noted: tuple[Any, str] = getattr(connection, "jobs_history", (None, ""))
    return noted


def _link(connection: Any) -> Any:
    """Return the socket of a connection of redis-py, or what asyncio writes to."""
    return getattr(connection, "_sock", None) or getattr(connection, "_writer", None)


def refusal(found: Any, replicas: int, server: str, *, is_other: bool) -> str:
    """Return why what was written does not count yet, given the reply to WAIT. Empty if it counts.

    `is_other` tells that the server's history is another one than before the call.
    """
    if is_other:
        return f"{server} has done this, but a failover came in between, and may have undone it. Try again"
    if isinstance(found, int) and found >= replicas:
        return ""
    count = f"only {found}" if isinstance(found, int) else "none"
    return (
        f"{server} has done this, but {count} of {replicas} replicas have confirmed it, and the board is "
        "durable: a failover may undo it. Run `jobs doctor`"
    )
