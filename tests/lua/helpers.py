"""Helpers for tests of the Lua commands: short calls, always at an injected time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs_core import Board, JobsError
from jobs_core.engine.build import commands
from jobs_core.engine.loader import VERSION

T = 1_700_000_000
"""The default time of a test, in epoch seconds."""

MS = T * 1000

TIMED = {
    *("JSET", "JSETNX", "JEDIT", "JNEXT", "JPUSH", "JTICK", "JPOP", "JACK", "JPAUSE", "JRESUME"),
    *("JTASKS", "JLIMIT", "JGAPS", "JHOURS", "JTOP", "JBACKFILL", "JDUES", "JALERT"),
}
"""The commands that have the option `now`."""

Task = dict[str, Any]


def ms(text: str | int) -> str:
    """Write a time in ms as the epoch seconds that commands read."""
    return f"{int(text) // 1000}.{int(text) % 1000:03d}"


class Lua:
    """The commands of one board: `lua.jset("a", "echo", "x", every=5)` is JSET at the time T."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.client = board.client
        self.keys = board.keys
        self.call = board.commands.call

    def __getattr__(self, name: str) -> Any:
        if name.upper() not in commands():
            raise AttributeError(name)

        def command(*arguments: Any, **options: Any) -> Any:
            if name.upper() in TIMED:
                options.setdefault("now", T)
            pairs = [part for pair in options.items() for part in pair]
            return self.call(name.upper(), *arguments, *pairs)

        return command

    def put(self, id: str = "a", payload: str = "x", **options: Any) -> int:
        """Put a job with JSET. Its runner, and so its queue, is `echo`."""
        return int(self.jset(id, "echo", payload, **options))

    def push(self, payload: str = "x", **options: Any) -> str:
        """Push a one-off task with JPUSH."""
        return str(self.jpush("echo", payload, **options))

    def take(self, *queues: str, count: int = 1, **options: Any) -> list[Task]:
        """Call JPOP. Returns tasks as dicts."""
        named = queues or ("echo",)
        popped = self.jpop(len(named), *named, count=count, **options)
        return [dict(zip(fields[::2], fields[1::2], strict=True)) for fields in popped]

    def held(self, **options: Any) -> Task:
        """The next task, under a lease of 30 seconds."""
        (task,) = self.take(**{"lease": 30} | options)
        return task

    def ids(self, *queues: str) -> list[str]:
        """Take all tasks of the queues. Returns their ids."""
        found: list[str] = []
        while page := self.take(*queues, count=500):
            found += [task["id"] for task in page]
        return found

    def tick(self, now: float | str = T, **options: Any) -> int:
        """JTICK, as by a clock that has ticked every second. Returns how many tasks it moved."""
        self.keep_ticking(float(now))
        return int(self.jtick(now=now, **options)[0])

    def keep_ticking(self, until: float) -> None:
        """Make the latest tick one that was a second ago, so that there was no outage."""
        stats, second_ago = f"{self.keys.tag}:stats", int(until * 1000) - 1000
        is_leased = self.client.exists(f"{self.keys.tag}:leased")
        if is_leased and int(self.client.hget(stats, "ticked") or 0) < second_ago:
            self.client.hset(stats, "ticked", second_ago)

    def job(self, id: str = "a") -> dict[str, Any]:
        """Call JGET for one existing job."""
        found: dict[str, Any] = json.loads(self.jget(id)[0])
        return found

    def stats(self) -> dict[str, int]:
        flat = self.jstats()
        return dict(zip(flat[::2], flat[1::2], strict=True))

    def ledger(self, id: str = "a") -> dict[str, int]:
        """Return the counters of a job that are not 0."""
        flat = self.jstats("job", id)
        return {name: n for name, n in zip(flat[::2], flat[1::2], strict=True) if n}

    def count(self) -> dict[str, int]:
        flat = self.jcount()
        return dict(zip(flat[::2], flat[1::2], strict=True))

    def tasks(self, **filters: Any) -> list[Task]:
        """Call JTASKS for all pages."""
        cursor, found = "0", []
        while True:
            cursor, page = self.jtasks(cursor, **{"now": T} | filters)
            found += [json.loads(text) for text in page]
            if cursor == "0":
                return found

    def size(self, *names: str) -> int:
        """Return the number of members of a key of any type."""
        name = ":".join((self.keys.tag, *names))
        client = self.client
        read = {"list": client.llen, "set": client.scard, "zset": client.zcard, "hash": client.hlen}
        kind = self.client.type(name)
        return int(read[kind](name)) if kind in read else 0

    def adds_up(self) -> bool:
        """Return whether the ledger adds up, and in_flight equals the number of listed tasks."""
        stats = self.stats()
        ended = sum(stats[name] for name in ("done", "dead", "cancelled", "unleased"))
        return (
            stats["due"] == stats["queued"] + stats["coalesced"] + stats["skipped"]
            and stats["queued"] == ended + stats["in_flight"]
            and stats["in_flight"] == len(self.tasks())
        )

    def wakes(self) -> list[str]:
        """Return the wake keys with a token: `wake` for clocks, `wake:<queue>` for workers."""
        return sorted(key.partition(":")[2] for key in self.client.keys(f"{self.keys.wake}*"))

    def forget_wakes(self) -> None:
        self.client.delete(*self.client.keys(f"{self.keys.wake}*"), "none")

    def everything(self) -> dict[str, Any]:
        """Return everything that Redis stores of the board."""
        return {key: self.client.dump(key) for key in self.client.keys(f"{self.keys.tag}:*")}

    def reset(self) -> None:
        """Empty the board."""
        self.client.delete(*self.client.keys(f"{self.keys.tag}:*"), "none")
        self.client.set(self.keys.layout, VERSION)

    def refuses(self, kind: type[JobsError], says: str, name: str, *arguments: Any) -> None:
        """Check that a call fails with exactly this kind of error and message, and changes nothing."""
        before = self.everything()
        with pytest.raises(kind, match=says) as caught:
            self.call(name, *arguments)
        assert caught.type is kind
        assert "\n" not in str(caught.value)
        assert self.everything() == before
