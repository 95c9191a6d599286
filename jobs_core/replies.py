"""What comes back from the commands, as Python's own types."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from jobs_core.model import Task, parse_history, parse_payload
from jobs_core.options import JOB_OPTIONS


def as_task(fields: list[Any]) -> Task:
    """Read one task of a JPOP reply."""
    pairs = dict(zip(fields[::2], fields[1::2], strict=True))
    return Task(
        id=pairs["id"],
        job=pairs["job"],
        runner=pairs["runner"],
        queue=pairs["queue"],
        due=pairs["due"] / 1000,
        attempt=pairs["attempt"],
        raw=pairs["payload"],
        token=pairs["token"],
        options=json.loads(pairs["options"]) if pairs["options"] else {},
        payload=parse_payload(pairs["payload"]),
        history=parse_history(pairs["history"]),
    )


def as_job(text: str) -> dict[str, Any]:
    """Read a JGET reply, the fields people look for first in front."""
    found: dict[str, Any] = json.loads(text)
    order = ("id", "runner", "payload", "state", "next", *JOB_OPTIONS)
    return {name: found[name] for name in dict.fromkeys(order) if name in found}


def as_listed(text: str) -> dict[str, Any]:
    """Read one task of a JTASKS reply."""
    found: dict[str, Any] = json.loads(text)
    found["history"] = [asdict(attempt) for attempt in parse_history(found["history"])]
    order = (
        "id",
        "state",
        "job",
        "runner",
        "queue",
        "priority",
        "attempt",
        "due",
        "since",
        "until",
        "worker",
    )
    return {name: found[name] for name in dict.fromkeys((*order, *found)) if name in found}


def as_entry(id: str, fields: dict[str, str]) -> dict[str, Any]:
    """Read one entry of the history: its time is that of its id in the stream, in epoch seconds."""
    entry: dict[str, Any] = {"time": int(id.partition("-")[0]) / 1000, **fields}
    entry["job"] = fields["task"].rpartition("@")[0]
    entry |= {name: int(fields[name]) for name in ("attempt", "count") if name in fields}
    if "data" in fields:
        entry["data"] = json.loads(fields["data"])
    return entry


def as_limit(name: str, text: str) -> dict[str, Any]:
    kind, _, subject = name.partition(":")
    concurrency, n, period = (None if word == "-" else int(word) for word in text.split())
    rate = f"{n}/{period / 1000:g}" if period else None
    return {"kind": kind, "name": subject, "concurrency": concurrency, "rate": rate}


def as_dict(flat: list[Any]) -> dict[str, int]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def time_of(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def as_time(ms: int) -> datetime | None:
    return time_of(ms) if ms else None
